//! The run file as a tree of nodes that know where they stand.
//!
//! Messages name keys by their path, such as `samples[2].frames`; [`Node::spot_of`] finds the place of a path, so that
//! the schema itself is plain data.

/// Who wrote a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The run file.
    RunFile,
    /// The `--set` of this number.
    Override(usize),
}

/// A place in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    /// Who wrote it.
    pub(super) source: Source,
    /// From 1.
    pub(super) line: usize,
    /// From 1, in characters.
    pub(super) column: usize,
    /// Characters to mark.
    pub(super) length: usize,
}

/// A value. Numbers and switches keep their spelling: a sample may be named `007`.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`, with its spelling.
    Bool(bool, String),
    /// A whole number, with its spelling.
    Integer(i64, String),
    /// Any other number, with its spelling.
    Float(f64, String),
    /// Everything else that is no collection.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A block of keys, in the order written, each once.
    Map(Vec<Entry>),
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// What it is.
    pub(super) value: Value,
    /// Where it begins.
    pub(super) spot: Spot,
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Where the key stands.
    pub(super) spot: Spot,
    /// Its value.
    pub(super) node: Node,
}

/// One step of a key path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a block.
    Key(String),
    /// Into a list.
    Index(usize),
}

/// Steps of a path such as `samples[2].frames` (a number between dots is an index or a key as the tree has it).
pub(super) fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let mut pieces = part.split('[');
        let name = pieces.next().unwrap_or_default();
        if !name.is_empty() {
            steps.push(Step::Key(name.to_string()));
        }
        for piece in pieces {
            let inner = piece.strip_suffix(']').unwrap_or(piece);
            steps.push(inner.parse().map_or_else(|_| Step::Key(inner.to_string()), Step::Index));
        }
    }
    steps
}

/// The path of steps, as messages write it.
pub(super) fn join(steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Key(key) if path.is_empty() => path.push_str(key),
            Step::Key(key) => path.push_str(&format!(".{key}")),
            Step::Index(index) => path.push_str(&format!("[{index}]")),
        }
    }
    path
}

impl Node {
    /// Where a path stands: its value if that is on the key's line, else its key; the nearest parent of what is not
    /// written.
    pub(super) fn spot_of(&self, path: &str) -> Option<Spot> {
        let mut node = self;
        let mut spot = None;
        for step in steps(path) {
            let Some((child, key)) = node.child(&step) else { break };
            let block = matches!(child.value, Value::Map(_) | Value::Null);
            let elsewhere = child.spot.source == key.source && child.spot.line != key.line;
            spot = Some(if block || elsewhere { key } else { child.spot });
            node = child;
        }
        spot
    }

    /// The value one step down and the place of its key (of itself in a list).
    fn child(&self, step: &Step) -> Option<(&Node, Spot)> {
        match step {
            Step::Key(key) => {
                let Value::Map(entries) = &self.value else { return None };
                let entry = entries.iter().find(|entry| entry.key == *key)?;
                Some((&entry.node, entry.spot))
            }
            Step::Index(index) => {
                let Value::List(items) = &self.value else { return None };
                items.get(*index).map(|item| (item, item.spot))
            }
        }
    }

    fn child_mut(&mut self, step: &Step) -> Option<&mut Node> {
        match step {
            Step::Key(key) => {
                let Value::Map(entries) = &mut self.value else { return None };
                entries.iter_mut().find(|entry| entry.key == *key).map(|entry| &mut entry.node)
            }
            Step::Index(index) => {
                let Value::List(items) = &mut self.value else { return None };
                items.get_mut(*index)
            }
        }
    }

    /// Takes the key at a path out of its block; `false` where there is none. Items of lists stay: the others would
    /// get new numbers.
    pub(super) fn remove(&mut self, path: &[Step]) -> bool {
        let Some((Step::Key(last), parents)) = path.split_last() else { return false };
        let mut node = self;
        for step in parents {
            let Some(next) = node.child_mut(step) else { return false };
            node = next;
        }
        let Value::Map(entries) = &mut node.value else { return false };
        let before = entries.len();
        entries.retain(|entry| entry.key != *last);
        entries.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_and_joined_again() {
        for path in ["pdf.window", "samples[2].frames[0]", "output", "mask.polygons_px[0][1][0]"] {
            assert_eq!(join(&steps(path)), path);
        }
        assert_eq!(steps("a[x"), [Step::Key("a".into()), Step::Key("x".into())]);
    }
}
