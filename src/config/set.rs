//! `--set key.path=value`: a key given on the command line goes before the run file's.

use super::parse::{DEEPEST, parse};
use super::problem::{ProblemKind, Problems};
use super::tree::{Entry, Node, Source, Spot, Step, Value, steps};

/// Puts every `key.path=value` into the tree; the value is read as YAML.
///
/// Blocks on the way are made where they are not written; whether the key exists is judged with all others when the
/// schema is read. An index must exist in its list.
pub(super) fn apply(overrides: &[String], root: &mut Node, problems: &mut Problems<'_>) {
    for (index, set) in overrides.iter().enumerate() {
        let source = Source::Override(index);
        let spot = Spot { source, line: 0, column: 0, length: 1 };
        let Some((path, value)) = set.split_once('=') else {
            let mend = "write --set key.path=value, for example --set pdf.window=none";
            problems.push_at(
                ProblemKind::Configuration,
                Some(spot),
                "",
                "there is no `=`".into(),
                mend.into(),
            );
            continue;
        };
        let placed = parse(value, source)
            .map_err(|error| (error.message, error.mend))
            .and_then(|node| place(root, &steps(path.trim()), node, spot));
        if let Err((message, mend)) = placed {
            problems.push_at(ProblemKind::Configuration, Some(spot), path.trim(), message, mend);
        }
    }
}

fn place(root: &mut Node, path: &[Step], value: Node, spot: Spot) -> Result<(), (String, String)> {
    if path.is_empty() {
        return Err(("there is no key before `=`".into(), "write --set key.path=value".into()));
    }
    if path.len() > DEEPEST {
        let message = format!("the key has {} parts, and no key has more than {DEEPEST}", path.len());
        return Err((message, String::new()));
    }
    let mut node = root;
    for step in path {
        node = if matches!(node.value, Value::List(_)) { item(node, step) } else { child(node, step, spot) }?;
    }
    *node = value;
    own(node, spot);
    Ok(())
}

/// The entry of a list.
fn item<'n>(node: &'n mut Node, step: &Step) -> Result<&'n mut Node, (String, String)> {
    let Value::List(items) = &mut node.value else { return Err(("there is no list".into(), String::new())) };
    let (written, index) = match step {
        Step::Index(index) => (index.to_string(), Some(*index)),
        Step::Key(key) => (key.clone(), key.parse().ok()),
    };
    let count = items.len();
    index.and_then(|index| items.get_mut(index)).ok_or_else(|| {
        (
            format!("`{written}` is no index of this list"),
            format!("the list has {count} entries, counted from 0"),
        )
    })
}

/// The value of a key, made where it is not there; what is no block becomes one.
fn child<'n>(node: &'n mut Node, step: &Step, spot: Spot) -> Result<&'n mut Node, (String, String)> {
    let no_list =
        || ("an index is given where there is no list".to_string(), "name the key instead".to_string());
    let Step::Key(key) = step else { return Err(no_list()) };
    if !matches!(node.value, Value::Map(_)) {
        *node = Node { value: Value::Map(Vec::new()), spot };
    }
    let Value::Map(entries) = &mut node.value else { return Err(no_list()) };
    let index = entries.iter().position(|entry| entry.key == *key).unwrap_or_else(|| {
        let node = Node { value: Value::Null, spot };
        entries.push(Entry { key: key.clone(), spot, node });
        entries.len() - 1
    });
    Ok(&mut entries[index].node)
}

/// Nodes below a value of `--set` have no place of their own.
fn own(node: &mut Node, spot: Spot) {
    node.spot = spot;
    match &mut node.value {
        Value::List(items) => items.iter_mut().for_each(|item| own(item, spot)),
        Value::Map(entries) => entries.iter_mut().for_each(|entry| {
            entry.spot = spot;
            own(&mut entry.node, spot);
        }),
        Value::Null | Value::Bool(..) | Value::Integer(..) | Value::Float(..) | Value::Text(_) => {}
    }
}
