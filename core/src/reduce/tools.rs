//! Tools a client brings, in today's shape (FORMAT 4, `dynamic_tools` normalisation).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::format::DynamicTool;
use crate::raw::{Json, Raw, Text};

/// The tools in today's shape: functions, and namespaces of functions. Entries of the older shape
/// that share a namespace stand in one entry, at the place of the first of them. Where both shapes
/// are mixed, which the reference refuses, each entry is read by its own.
pub(super) fn normalised(tools: &[Raw<'_>]) -> Json {
    let mut list: Vec<Value> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for raw in tools {
        let Some(tool) = raw.read::<DynamicTool<'_>>() else { continue };
        if tool.tools.is_some() {
            let tools: Vec<Value> = tool.tools.each().iter().map(function).collect();
            list.push(namespace(&text(tool.name), &text(tool.description), tools));
            continue;
        }
        let Some(name) = tool.namespace.get() else {
            list.push(function(&tool));
            continue;
        };
        let known = places.get(&*name).and_then(|place| list.get_mut(*place));
        match known.and_then(|entry| entry.get_mut("tools")).and_then(Value::as_array_mut) {
            Some(tools) => tools.push(function(&tool)),
            None => {
                places.insert(name.clone().into_owned(), list.len());
                list.push(namespace(&name, "", vec![function(&tool)]));
            }
        }
    }
    Json::of(&list)
}

fn namespace(name: &str, description: &str, tools: Vec<Value>) -> Value {
    json!({"type": "namespace", "name": name, "description": description, "tools": tools})
}

fn function(tool: &DynamicTool<'_>) -> Value {
    let schema = tool.input_schema.get();
    let schema = schema.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let mut object = Map::new();
    object.insert("type".into(), "function".into());
    object.insert("name".into(), text(tool.name).into());
    object.insert("description".into(), text(tool.description).into());
    object.insert("inputSchema".into(), schema.unwrap_or(Value::Null));
    let defer = tool.defer_loading.get();
    let defer = defer.or_else(|| tool.expose_to_context.get().map(|exposed| !exposed));
    if defer == Some(true) {
        object.insert("deferLoading".into(), true.into());
    }
    Value::Object(object)
}

fn text<'a>(field: crate::raw::Field<'a, Text<'a>>) -> Text<'a> {
    field.get().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(tools: &str, want: &Value) {
        let tools = Raw::first_of(tools).unwrap().0.elements().unwrap();
        let got: Value = serde_json::from_str(normalised(&tools).get()).unwrap();
        assert_eq!(got, *want);
    }

    #[test]
    fn old_entries_are_gathered_by_namespace() {
        check(
            r#"[{"namespace":"a","name":"f","description":"1","inputSchema":{}},
                {"name":"g","description":"2","inputSchema":{"x":1},"exposeToContext":false},
                {"namespace":"a","name":"h","description":"3","inputSchema":{},"deferLoading":true}]"#,
            &json!([
                {"type":"namespace","name":"a","description":"","tools":[
                    {"type":"function","name":"f","description":"1","inputSchema":{}},
                    {"type":"function","name":"h","description":"3","inputSchema":{},"deferLoading":true}]},
                {"type":"function","name":"g","description":"2","inputSchema":{"x":1},"deferLoading":true},
            ]),
        );
    }

    #[test]
    fn given_loading_beats_exposure() {
        check(
            r#"[{"name":"g","description":"","inputSchema":{},"deferLoading":false,"exposeToContext":false}]"#,
            &json!([{"type":"function","name":"g","description":"","inputSchema":{}}]),
        );
    }

    #[test]
    fn new_entries_stay() {
        check(
            r#"[{"type":"namespace","name":"n","description":"d","tools":[
                {"type":"function","name":"f","description":"","inputSchema":{},"deferLoading":true}]}]"#,
            &json!([{"type":"namespace","name":"n","description":"d","tools":[
                {"type":"function","name":"f","description":"","inputSchema":{},"deferLoading":true}]}]),
        );
    }
}
