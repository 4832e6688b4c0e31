//! A reader of the part of CDDL (RFC 8610) that `docs/protocol.md` uses: type choices, ranges, literals,
//! arrays and maps with occurrences, `.size`, `.cbor` and tags. No generics, sockets or group choices.

use std::collections::BTreeMap;

/// A type.
#[derive(Clone, Debug)]
pub(super) enum Type {
    Choice(Vec<Type>),
    /// A rule or a prelude type.
    Name(String),
    Int(i128),
    Range(i128, i128),
    Text(String),
    Array(Vec<Entry>),
    Map(Vec<Entry>),
    Tag(u64, Box<Type>),
    /// `.size`, in bytes.
    Size(Box<Type>, i128, i128),
    /// `.cbor`
    Cbor(Box<Type>),
}

/// A member of an array or map.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) least: usize,
    pub(super) most: usize,
    /// Present in maps.
    pub(super) key: Option<Type>,
    pub(super) value: Type,
}

pub(super) type Rules = BTreeMap<String, Type>;

/// Reads all rules; anything not understood is a panic with the place, for it is our own document.
pub(super) fn parse(text: &str) -> Rules {
    let tokens = tokens(text);
    let mut p = Parser { tokens: &tokens, at: 0 };
    let mut rules = Rules::new();
    while p.at < tokens.len() {
        let name = p.next();
        p.expect("=");
        let rule = p.choice();
        assert!(rules.insert(name.clone(), rule).is_none(), "{name} is defined twice");
    }
    rules
}

fn tokens(text: &str) -> Vec<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let mut out: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let length = match c {
                ' ' | '\t' => {
                    rest = &rest[1..];
                    continue;
                }
                ';' => break,
                '"' => 2 + rest[1..].find('"').expect("a closing quote"),
                '#' => rest.find('(').expect("a tag with content"),
                '.' if rest.starts_with("..") => 2,
                '.' => 1 + rest[1..].find(|c| !word(c)).unwrap_or(rest.len() - 1),
                '=' if rest.starts_with("=>") => 2,
                _ if word(c) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
                _ => 1,
            };
            out.push(rest[..length].to_owned());
            rest = &rest[length..];
        }
    }
    out
}

struct Parser<'a> {
    tokens: &'a [String],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        self.at += 1;
        self.tokens[self.at - 1].clone()
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.peek(0) == token;
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &str) {
        let before = self.tokens[self.at.saturating_sub(3)..self.at].join(" ");
        assert!(self.take(token), "{token} expected after '{before}', not {}", self.peek(0));
    }

    fn choice(&mut self) -> Type {
        let mut types = vec![self.controlled()];
        while self.take("/") {
            types.push(self.controlled());
        }
        if types.len() == 1 { types.remove(0) } else { Type::Choice(types) }
    }

    fn controlled(&mut self) -> Type {
        let target = self.single();
        if self.take(".size") {
            return match self.single() {
                Type::Int(n) => Type::Size(Box::new(target), n, n),
                Type::Range(a, b) => Type::Size(Box::new(target), a, b),
                other => panic!("a size of {other:?}"),
            };
        }
        if self.take(".cbor") { Type::Cbor(Box::new(self.single())) } else { target }
    }

    fn single(&mut self) -> Type {
        let token = self.next();
        match token.as_str() {
            "(" => {
                let inner = self.choice();
                self.expect(")");
                inner
            }
            "[" => Type::Array(self.entries("]", false)),
            "{" => Type::Map(self.entries("}", true)),
            t if t.starts_with('"') => Type::Text(t.trim_matches('"').to_owned()),
            t if t.starts_with("#6.") => {
                let tag = t[3..].parse().expect("a tag number");
                self.expect("(");
                let inner = self.choice();
                self.expect(")");
                Type::Tag(tag, Box::new(inner))
            }
            t => match t.parse::<i128>() {
                Ok(low) if self.take("..") => {
                    Type::Range(low, self.next().parse().expect("the end of a range"))
                }
                Ok(number) => Type::Int(number),
                Err(_) => Type::Name(token),
            },
        }
    }

    fn entries(&mut self, close: &str, map: bool) -> Vec<Entry> {
        let mut entries = Vec::new();
        while !self.take(close) {
            let (least, most) = self.occurrence();
            // In arrays a name before a colon is only a comment.
            if !map && self.peek(1) == ":" {
                self.at += 2;
            }
            let first = self.choice();
            let (key, value) = if map {
                self.expect("=>");
                (Some(first), self.choice())
            } else {
                (None, first)
            };
            entries.push(Entry { least, most, key, value });
            if !self.take(",") {
                self.expect(close);
                break;
            }
        }
        entries
    }

    /// `?`, `+`, `*`, `n*`, `*m`, `n*m`.
    fn occurrence(&mut self) -> (usize, usize) {
        if self.take("?") {
            return (0, 1);
        }
        if self.take("+") {
            return (1, usize::MAX);
        }
        let least = if self.peek(1) == "*" { self.number() } else { None };
        if !self.take("*") {
            return (1, 1);
        }
        // A number right behind the star is its upper bound, unless it is a key or an element.
        let bound = !matches!(self.peek(1), "=>" | "," | "..");
        let most = if bound { self.number() } else { None };
        (least.unwrap_or(0), most.unwrap_or(usize::MAX))
    }

    fn number(&mut self) -> Option<usize> {
        let number = self.peek(0).parse().ok()?;
        self.at += 1;
        Some(number)
    }
}
