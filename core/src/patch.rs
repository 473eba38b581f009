//! RFC 7386 merge patches: the only file that names `json_patch`.

use serde_json::{Map, Value};

/// What `patch` makes of `target` (R64).
#[must_use]
pub fn apply(mut target: Value, patch: &Value) -> Value {
    json_patch::merge(&mut target, patch);
    target
}

/// The smallest patch that makes `to` of `from` (R65); `None` if they are equal. A `null` inside
/// `to` cannot be said in a patch: it is lost, as the RFC has it.
#[must_use]
pub fn diff(from: &Value, to: &Value) -> Option<Value> {
    if from == to {
        return None;
    }
    let Value::Object(to) = to else { return Some(to.clone()) };
    let nothing = Map::new();
    let from = from.as_object().unwrap_or(&nothing);
    let mut patch = Map::new();
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in to {
        let change = match from.get(key) {
            Some(before) => diff(before, value),
            None => Some(value.clone()),
        };
        patch.extend(change.map(|change| (key.clone(), change)));
    }
    Some(Value::Object(patch))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::Prng;

    /// RFC 7386, appendix A: original, patch, result.
    fn appendix_a() -> Vec<[Value; 3]> {
        vec![
            [json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})],
            [json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})],
            [json!({"a":"b"}), json!({"a":null}), json!({})],
            [json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})],
            [json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})],
            [json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})],
            [json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})],
            [json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})],
            [json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])],
            [json!({"a":"b"}), json!(["c"]), json!(["c"])],
            [json!({"a":"foo"}), json!(null), json!(null)],
            [json!({"a":"foo"}), json!("bar"), json!("bar")],
            [json!({"e":null}), json!({"a":1}), json!({"a":1,"e":null})],
            [json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})],
            [json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})],
        ]
    }

    #[test]
    fn the_table_of_the_rfc() {
        for [original, patch, result] in appendix_a() {
            assert_eq!(apply(original.clone(), &patch), result, "{original} and {patch}");
        }
    }

    #[test]
    fn diffs_that_surprise() {
        assert_eq!(diff(&json!({"a":1}), &json!({"a":1})), None);
        assert_eq!(diff(&json!(7), &json!({})), Some(json!({})));
        assert_eq!(diff(&json!({"a":{"b":1}}), &json!({"a":{}})), Some(json!({"a":{"b":null}})));
        assert_eq!(diff(&json!({"a":[1]}), &json!({"a":[1,null]})), Some(json!({"a":[1,null]})));
        assert_eq!(diff(&json!({"a":[1],"b":2}), &json!({"a":[2],"b":2})), Some(json!({"a":[2]})));
    }

    /// Any value without a null in an object: what a patch can say.
    fn value(rng: &mut Prng, depth: usize) -> Value {
        let kinds = if depth == 0 { 3 } else { 5 };
        match rng.below(kinds) {
            0 => json!(rng.below(3)),
            1 => json!(["x", "y"].get(rng.index(2))),
            2 => json!(rng.below(2) == 0),
            3 => (0..rng.below(3)).map(|_| value(rng, depth - 1)).collect(),
            _ => object(rng, depth - 1),
        }
    }

    fn object(rng: &mut Prng, depth: usize) -> Value {
        let keys = ["a", "b", "c", "d"];
        let mut members = Map::new();
        for key in keys {
            if rng.below(2) == 0 {
                members.insert(key.to_owned(), value(rng, depth));
            }
        }
        Value::Object(members)
    }

    fn len_nodes(value: &Value) -> usize {
        match value {
            Value::Object(members) => 1 + members.values().map(len_nodes).sum::<usize>(),
            _ => 1,
        }
    }

    /// Whether the patch still works without some member: then it is not the smallest.
    fn has_idle_member(from: &Value, to: &Value, patch: &Value) -> bool {
        let Value::Object(members) = patch else { return false };
        members.keys().any(|key| {
            let mut less = members.clone();
            less.remove(key);
            apply(from.clone(), &Value::Object(less)) == *to
        })
    }

    #[test]
    fn a_diff_makes_the_one_of_the_other_and_is_small() {
        for seed in 0..10_000 {
            let mut rng = Prng::new(seed);
            let from = value(&mut rng, 4);
            let to = if rng.below(4) == 0 { from.clone() } else { value(&mut rng, 4) };
            match diff(&from, &to) {
                None => assert_eq!(from, to, "seed {seed}"),
                Some(patch) => {
                    assert_eq!(apply(from.clone(), &patch), to, "seed {seed}");
                    assert!(!has_idle_member(&from, &to, &patch), "seed {seed}: {patch}");
                    assert!(len_nodes(&patch) <= len_nodes(&from) + len_nodes(&to), "seed {seed}");
                }
            }
        }
    }
}
