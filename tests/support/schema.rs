//! As much of JSON Schema as the published schemas use; a keyword beyond that stops the test.

use serde_json::Value;

/// What of a value is not as its schema says.
pub(crate) fn complaints(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, schema, value, "$", &mut found);
    found
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (keyword, wanted) in schema.as_object().unwrap() {
        let fits = match keyword.as_str() {
            "$schema" | "$id" | "title" | "$defs" | "additionalProperties" => true,
            "const" => value == wanted,
            "enum" => wanted.as_array().unwrap().contains(value),
            "type" => match wanted {
                Value::Array(types) => types.iter().any(|one| is_a(value, one)),
                one => is_a(value, one),
            },
            "minimum" => value.as_i64().is_some_and(|number| number >= wanted.as_i64().unwrap()),
            "minItems" => {
                value.as_array().is_some_and(|a| a.len() as u64 >= wanted.as_u64().unwrap())
            }
            "maxItems" => {
                value.as_array().is_some_and(|a| a.len() as u64 <= wanted.as_u64().unwrap())
            }
            "pattern" => {
                let hex = wanted.as_str().and_then(|w| w.strip_prefix("^[0-9a-f]{"));
                let digits = hex.and_then(|rest| rest.strip_suffix("}$")).unwrap();
                value.as_str().is_some_and(|text| {
                    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                    Ok(text.len()) == digits.parse() && text.bytes().all(hex)
                })
            }
            "required" => wanted
                .as_array()
                .unwrap()
                .iter()
                .all(|name| value.get(name.as_str().unwrap()).is_some()),
            "$ref" => {
                let path = wanted.as_str().unwrap().trim_start_matches('#');
                check(root, root.pointer(path).unwrap(), value, at, found);
                true
            }
            "anyOf" => wanted.as_array().unwrap().iter().any(|one| {
                let mut inside = Vec::new();
                check(root, one, value, at, &mut inside);
                inside.is_empty()
            }),
            "items" => {
                for (place, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, wanted, item, &format!("{at}[{place}]"), found);
                }
                true
            }
            "properties" => true,
            other => panic!("the keyword `{other}` is not known here"),
        };
        if !fits {
            found.push(format!("{at}: `{keyword}` is not met by {value}"));
        }
    }
    properties(root, schema, value, at, found);
}

fn properties(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (name, inside) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{name}");
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(known), _) => check(root, known, inside, &at, found),
            (None, Value::Bool(false)) => found.push(format!("{at}: no such property")),
            (None, other @ Value::Object(_)) => check(root, other, inside, &at, found),
            (None, _) => {}
        }
    }
}

fn is_a(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_u64() || value.is_i64(),
        other => panic!("the type `{other}` is not known here"),
    }
}
