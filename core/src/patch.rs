//! JSON merge patches (RFC 7386, SEMANTICS R64): the only file that names `json-patch`.

use serde_json::Value;

/// Applies `patch` to `target`: objects merge, null removes, everything else replaces.
pub fn apply(target: &mut Value, patch: &Value) {
    json_patch::merge(target, patch);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn merges_as_the_rfc_says() {
        for (target, patch, want) in [
            (json!({"a":{"b":1,"c":2}}), json!({"a":{"b":null,"d":3}}), json!({"a":{"c":2,"d":3}})),
            (json!({"a":[1,2]}), json!({"a":[null]}), json!({"a":[null]})),
            (json!({"a":1}), json!({"x":null}), json!({"a":1})),
            (json!({"a":1}), json!({"a":{"b":{"c":null}}}), json!({"a":{"b":{}}})),
            (json!([1]), json!({"a":1}), json!({"a":1})),
            (json!({"a":1}), json!("x"), json!("x")),
        ] {
            let mut got = target;
            apply(&mut got, &patch);
            assert_eq!(got, want);
        }
    }
}
