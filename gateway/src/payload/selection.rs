//! Which fields an agreement names.

use std::collections::HashSet;
use std::ops::Range;

use super::document::digest;

/// A set of JSON Pointers (RFC 6901), each naming the whole subtree under it.
///
/// A segment that is `*` stands for any element of an array and any member of an object; a member whose name is
/// `*` itself is written `~2`. `""` names the whole document. A decimal segment names an element of an array
/// by its place.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The first is the root.
    nodes: Vec<Node>,
    names: HashSet<Box<str>>,
}

/// What is known once a path has been followed down to here.
#[derive(Debug, Clone, Default)]
struct Node {
    /// A pointer ends here: everything below is named.
    whole: bool,
    /// In the order of the names' digests.
    named: Vec<(u32, Box<str>, u32)>,
    any: Option<u32>,
}

/// Why pointers are no selection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// A pointer is neither empty nor starts with a slash.
    #[error("the pointer {0:?} does not start with a slash")]
    NoSlash(String),
    /// A tilde is followed by none of 0, 1, 2.
    #[error("the pointer {0:?} has a tilde that escapes nothing")]
    BadEscape(String),
    /// More than 64 segments in one pointer, or more than 10,000 segments in all.
    #[error("the pointers are too long or too many")]
    TooLarge,
}

impl Selection {
    /// Reads pointers.
    ///
    /// # Errors
    /// See [`SelectionError`].
    pub fn parse(pointers: &[String]) -> Result<Self, SelectionError> {
        let mut selection = Self { nodes: vec![Node::default()], names: HashSet::new() };
        for pointer in pointers {
            let mut at = 0;
            if !pointer.is_empty() {
                let path =
                    pointer.strip_prefix('/').ok_or_else(|| SelectionError::NoSlash(pointer.clone()))?;
                if path.matches('/').count() >= MOST_SEGMENTS {
                    return Err(SelectionError::TooLarge);
                }
                for segment in path.split('/') {
                    at = selection.step(at, segment, pointer)?;
                }
            }
            selection.nodes[at as usize].whole = true;
        }
        Ok(selection)
    }

    fn step(&mut self, at: u32, segment: &str, pointer: &str) -> Result<u32, SelectionError> {
        let next = u32::try_from(self.nodes.len()).map_err(|_| SelectionError::TooLarge)?;
        let node = &mut self.nodes[at as usize];
        let found = if segment == "*" {
            *node.any.get_or_insert(next)
        } else {
            let name = unescaped(segment).ok_or_else(|| SelectionError::BadEscape(pointer.to_owned()))?;
            self.names.insert(name.as_str().into());
            let digest = digest(name.as_bytes());
            node.find(name.as_bytes(), digest).unwrap_or_else(|| {
                let at = node.named.partition_point(|(other, ..)| *other < digest);
                node.named.insert(at, (digest, name.into(), next));
                next
            })
        };
        if found == next {
            if self.nodes.len() > MOST_NODES {
                return Err(SelectionError::TooLarge);
            }
            self.nodes.push(Node::default());
        }
        Ok(found)
    }

    /// The name, if some pointer contains it.
    pub(super) fn find_name(&self, name: &str) -> Option<&str> {
        self.names.get(name).map(|name| &**name)
    }

    /// Whether some pointer ends at one of `reached`.
    pub(super) fn whole(&self, reached: &[u32]) -> bool {
        reached.iter().any(|node| self.nodes[*node as usize].whole)
    }

    /// Whether no pointer leads anywhere.
    pub(super) fn is_empty(&self) -> bool {
        let root = &self.nodes[0];
        !root.whole && root.any.is_none() && root.named.is_empty()
    }

    /// Adds to `reached` where `name`, of that digest, leads from each of its entries in `from`.
    pub(super) fn follow(&self, from: Range<usize>, name: &[u8], digest: u32, reached: &mut Vec<u32>) {
        for at in from {
            let node = &self.nodes[reached[at] as usize];
            reached.extend(node.find(name, digest));
            reached.extend(node.any);
        }
    }

    /// The same for an array's element.
    pub(super) fn follow_element(&self, from: Range<usize>, index: usize, reached: &mut Vec<u32>) {
        for at in from {
            let node = &self.nodes[reached[at] as usize];
            if !node.named.is_empty() {
                let name = index.to_string();
                reached.extend(node.find(name.as_bytes(), digest(name.as_bytes())));
            }
            reached.extend(node.any);
        }
    }
}

impl Node {
    fn find(&self, name: &[u8], digest: u32) -> Option<u32> {
        let from = self.named.partition_point(|(other, ..)| *other < digest);
        let alike = self.named[from..].iter().take_while(|(other, ..)| *other == digest);
        alike.filter(|(_, other, _)| other.as_bytes() == name).map(|(.., node)| *node).next()
    }
}

/// The name that a segment stands for.
pub(super) fn unescaped(segment: &str) -> Option<String> {
    let mut name = String::with_capacity(segment.len());
    let mut chars = segment.chars();
    while let Some(char) = chars.next() {
        name.push(match char {
            '~' => match chars.next()? {
                '0' => '~',
                '1' => '/',
                '2' => '*',
                _ => return None,
            },
            char => char,
        });
    }
    Some(name)
}

pub(super) const MOST_SEGMENTS: usize = 64;
const MOST_NODES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pointers: &[&str]) -> Result<Selection, SelectionError> {
        Selection::parse(&pointers.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn pointers_that_mean_nothing_are_refused() {
        assert_eq!(parse(&["people"]).unwrap_err(), SelectionError::NoSlash("people".into()));
        assert_eq!(parse(&["/a~3"]).unwrap_err(), SelectionError::BadEscape("/a~3".into()));
        assert_eq!(parse(&["/a~"]).unwrap_err(), SelectionError::BadEscape("/a~".into()));
        assert_eq!(parse(&[&"/a".repeat(65)]).unwrap_err(), SelectionError::TooLarge);
        let many: Vec<String> = (0..20_000).map(|n| format!("/{n}")).collect();
        assert_eq!(Selection::parse(&many).unwrap_err(), SelectionError::TooLarge);
    }

    #[test]
    fn an_empty_selection_is_known_as_such() {
        assert!(parse(&[]).unwrap().is_empty());
        assert!(!parse(&[""]).unwrap().is_empty());
        assert!(!parse(&["/*"]).unwrap().is_empty());
    }
}
