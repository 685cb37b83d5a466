//! Edits of DER that leave its lengths right, and so reach what is behind them.

/// One value, with what is in it.
#[derive(Clone)]
pub struct Node {
    tag: u8,
    inside: Inside,
}

#[derive(Clone)]
enum Inside {
    Bytes(Vec<u8>),
    Nodes(Vec<Node>),
}

/// Reads all of `der`, which is well-formed.
pub fn read(mut der: &[u8]) -> Vec<Node> {
    let mut nodes = Vec::new();
    while let [tag, first, ..] = *der {
        let more = if first < 0x80 { 0 } else { usize::from(first & 0x7f) };
        let length = if more == 0 { usize::from(first) } else { 0 };
        let length = der[2..2 + more].iter().fold(length, |sum, digit| sum << 8 | usize::from(*digit));
        let content = &der[2 + more..][..length];
        let inside =
            if tag & 0x20 == 0 { Inside::Bytes(content.to_vec()) } else { Inside::Nodes(read(content)) };
        nodes.push(Node { tag, inside });
        der = &der[2 + more + length..];
    }
    nodes
}

/// Writes them with lengths that are right.
pub fn write(nodes: &[Node]) -> Vec<u8> {
    let mut der = Vec::new();
    for node in nodes {
        let content = node.content();
        der.push(node.tag);
        match content.len() {
            short @ ..0x80 => der.push(short as u8),
            length => {
                let digits = length.to_be_bytes();
                let zeros = digits.iter().take_while(|digit| **digit == 0).count();
                der.push(0x80 | (digits.len() - zeros) as u8);
                der.extend_from_slice(&digits[zeros..]);
            }
        }
        der.extend_from_slice(&content);
    }
    der
}

/// Replaces, removes, repeats, swaps and fills values, four bytes of `said` at a time.
pub fn edit(nodes: &mut Vec<Node>, said: &[u8]) {
    for edit in said.chunks_exact(4) {
        let count = count(nodes);
        if count > MOST_NODES {
            return; // what is repeated may be repeated again
        }
        let mut at = usize::from(u16::from_le_bytes([edit[1], edit[2]])) % count.max(1);
        visit(nodes, &mut at, &|siblings, at| match edit[0] % 8 {
            0 => siblings[at].tag = siblings[at].tag & 0x20 | edit[3] & !0x20,
            1 => drop(siblings.remove(at)),
            2 => siblings.insert(at, siblings[at].clone()),
            3 => {
                let next = (at + 1) % siblings.len();
                siblings.swap(at, next);
            }
            4 => siblings.push(siblings[at].clone()),
            _ => match &mut siblings[at].inside {
                Inside::Bytes(bytes) if bytes.is_empty() => bytes.push(edit[3]),
                Inside::Bytes(bytes) => {
                    let at = usize::from(edit[0] / 8) % bytes.len();
                    bytes[at] = edit[3];
                }
                Inside::Nodes(nodes) => {
                    nodes.push(Node { tag: edit[3] & !0x20, inside: Inside::Bytes(Vec::new()) });
                }
            },
        });
    }
}

/// The value at a path of places, if there is one.
pub fn at<'n>(nodes: &'n mut [Node], path: &[usize]) -> Option<&'n mut Node> {
    let (first, rest) = path.split_first()?;
    let node = nodes.get_mut(*first)?;
    if rest.is_empty() {
        return Some(node);
    }
    match &mut node.inside {
        Inside::Nodes(nodes) => at(nodes, rest),
        Inside::Bytes(_) => None,
    }
}

impl Node {
    /// What is between its length and its end.
    pub fn content(&self) -> Vec<u8> {
        match &self.inside {
            Inside::Bytes(bytes) => bytes.clone(),
            Inside::Nodes(nodes) => write(nodes),
        }
    }

    /// Puts bytes in place of what is in it.
    pub fn fill(&mut self, bytes: Vec<u8>) {
        self.inside = Inside::Bytes(bytes);
    }

    /// The same under another tag.
    pub fn under(&self, tag: u8) -> Self {
        Self { tag, inside: self.inside.clone() }
    }

    /// How many values are in it.
    pub fn len(&self) -> usize {
        match &self.inside {
            Inside::Nodes(nodes) => nodes.len(),
            Inside::Bytes(_) => 0,
        }
    }
}

fn count(nodes: &[Node]) -> usize {
    let within = |node: &Node| match &node.inside {
        Inside::Nodes(nodes) => count(nodes),
        Inside::Bytes(_) => 0,
    };
    nodes.iter().map(|node| 1 + within(node)).sum()
}

/// Has `change` look at the value that is so many behind the first.
fn visit(nodes: &mut Vec<Node>, left: &mut usize, change: &dyn Fn(&mut Vec<Node>, usize)) -> bool {
    for at in 0..nodes.len() {
        if *left == 0 {
            change(nodes, at);
            return true;
        }
        *left -= 1;
        if let Inside::Nodes(inner) = &mut nodes[at].inside
            && visit(inner, left, change)
        {
            return true;
        }
    }
    false
}

const MOST_NODES: usize = 2_000;
