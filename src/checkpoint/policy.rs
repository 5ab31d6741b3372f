//! Whom to believe: a C2SP tlog-policy file of logs, witnesses, and the quorum of them.
//!
//! A checkpoint meets a policy when one of the listed logs signed it and enough witnesses cosigned
//! it. Several signers who must agree (k of n) are witnesses in a group.

use std::collections::BTreeMap;

use super::key::{KeyError, KeyKind, VerifierKey};
use super::note::{Note, NoteError, Signed};

/// Lines of a policy that count.
const LINES_MAX: usize = 4096;

/// Why a file is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{what}", Self::place(*.line))]
pub struct BadPolicy {
    /// The line, from 1; 0 where a line is missing.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl BadPolicy {
    fn place(line: usize) -> String {
        if line == 0 { String::new() } else { format!("line {line} of the policy: ") }
    }
}

/// A log or witness: its key, and where it can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// The name within the policy; a log's is its key's.
    pub name: String,
    /// Its key.
    pub key: VerifierKey,
    /// Where it can be asked.
    pub url: Option<String>,
}

/// Whom to believe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    logs: Vec<Party>,
    witnesses: Vec<Party>,
    /// Each group names only witnesses and groups before it.
    groups: Vec<Group>,
    quorum: Quorum,
}

/// What must have seen a checkpoint: nobody, or a witness or group by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quorum {
    None,
    Witness(usize),
    Group(usize),
}

/// So many of these.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    least: usize,
    members: Vec<Quorum>,
}

/// Why a note does not meet a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A signature of a listed key is not good.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// No listed log signed it.
    #[error("no log of the policy signed it")]
    NoLog,
    /// Its origin is not the name of the log that signed it.
    #[error("`{log}` signed a checkpoint of the log `{origin}`")]
    Origin {
        /// The key's name.
        log: String,
        /// What the note says.
        origin: String,
    },
    /// Too few witnesses.
    #[error("the quorum is not met: {cosigned} of {witnesses} witnesses cosigned it")]
    Quorum {
        /// Witnesses that cosigned.
        cosigned: usize,
        /// Witnesses that are listed.
        witnesses: usize,
    },
}

/// How a note meets a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// The log that signed it.
    pub log: String,
    /// Witnesses that cosigned it, by their names in the policy, and when (seconds since 1970).
    pub witnesses: Vec<(String, u64)>,
    /// Witnesses that are listed.
    pub witnesses_listed: usize,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// [`BadPolicy`] with the line.
    ///
    /// # Examples
    /// ```
    /// use schwabot::checkpoint::Policy;
    /// let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    /// let policy = Policy::parse(format!("log {key}\nquorum none\n").as_bytes())?;
    /// assert_eq!(policy.logs()[0].name, "PeterNeumann");
    /// # Ok::<(), schwabot::checkpoint::BadPolicy>(())
    /// ```
    pub fn parse(bytes: &[u8]) -> Result<Self, BadPolicy> {
        let text = str::from_utf8(bytes)
            .map_err(|_| BadPolicy { line: 0, what: "it is no UTF-8 text".to_owned() })?;
        let mut lines = Lines::default();
        for (line, place) in text.split('\n').zip(1..) {
            if place > LINES_MAX {
                return Err(BadPolicy { line: place, what: "too many lines".to_owned() });
            }
            if line.bytes().any(|byte| byte < 0x20 && byte != b'\t' || byte == 0x7f) {
                return Err(BadPolicy { line: place, what: "a control character".to_owned() });
            }
            lines.take(line).map_err(|what| BadPolicy { line: place, what })?;
        }
        let quorum = lines.quorum.take();
        let no_quorum = BadPolicy {
            line: 0,
            what: "the policy has no quorum line: `quorum none` asks for no witness".to_owned(),
        };
        let quorum = quorum.ok_or(no_quorum)?;
        let Lines { logs, witnesses, groups, .. } = lines;
        Ok(Self { logs, witnesses, groups, quorum })
    }

    /// A policy that believes one log and asks for no witness.
    #[must_use]
    pub fn of_log(key: VerifierKey) -> Self {
        let log = Party { name: key.name().to_owned(), key, url: None };
        Self { logs: vec![log], witnesses: Vec::new(), groups: Vec::new(), quorum: Quorum::None }
    }

    /// The listed logs.
    #[must_use]
    pub fn logs(&self) -> &[Party] {
        &self.logs
    }

    /// The listed witnesses.
    #[must_use]
    pub fn witnesses(&self) -> &[Party] {
        &self.witnesses
    }

    /// All listed keys.
    pub fn keys(&self) -> impl Iterator<Item = &VerifierKey> {
        self.logs.iter().chain(&self.witnesses).map(|party| &party.key)
    }

    /// Says how a note meets the policy.
    ///
    /// # Errors
    /// [`PolicyError`] when it does not.
    pub fn judge(&self, note: &Note) -> Result<Met, PolicyError> {
        let good = note.signed_by(self.keys())?;
        let origin = &note.checkpoint().origin;
        let signed = |log: &&Party| good.iter().any(|signed| signed.key == log.key);
        let mut logs = self.logs.iter().filter(signed);
        let of_origin = logs.clone().find(|log| log.key.name() == origin);
        let log = of_origin.ok_or_else(|| match logs.next() {
            None => PolicyError::NoLog,
            Some(log) => {
                PolicyError::Origin { log: log.key.name().to_owned(), origin: origin.clone() }
            }
        })?;
        let seen: Vec<Option<u64>> =
            self.witnesses.iter().map(|witness| seen_by(witness, &good)).collect();
        let witnesses: Vec<(String, u64)> = self
            .witnesses
            .iter()
            .zip(&seen)
            .filter_map(|(witness, seen)| Some((witness.name.clone(), (*seen)?)))
            .collect();
        if !self.is_met(&seen) {
            let (cosigned, witnesses) = (witnesses.len(), self.witnesses.len());
            return Err(PolicyError::Quorum { cosigned, witnesses });
        }
        let witnesses_listed = self.witnesses.len();
        Ok(Met { log: log.name.clone(), witnesses, witnesses_listed })
    }

    /// Is the quorum among those who saw it? Groups are judged in their order, each after those
    /// that it names.
    fn is_met(&self, seen: &[Option<u64>]) -> bool {
        let mut met: Vec<bool> = Vec::with_capacity(self.groups.len());
        let holds = |met: &[bool], quorum: Quorum| match quorum {
            Quorum::None => true,
            Quorum::Witness(place) => seen.get(place).is_some_and(Option::is_some),
            Quorum::Group(place) => met.get(place).copied().unwrap_or(false),
        };
        for group in &self.groups {
            let members = group.members.iter().filter(|member| holds(&met, **member)).count();
            met.push(members >= group.least);
        }
        holds(&met, self.quorum)
    }
}

/// When a witness saw what it cosigned.
fn seen_by(witness: &Party, good: &[Signed]) -> Option<u64> {
    good.iter().find(|signed| signed.key == witness.key)?.seconds
}

/// What the lines so far define.
#[derive(Default)]
struct Lines {
    logs: Vec<Party>,
    witnesses: Vec<Party>,
    groups: Vec<Group>,
    /// Witnesses and groups by name, and whether one is a member of a group.
    defined: BTreeMap<String, (Quorum, bool)>,
    quorum: Option<Quorum>,
}

impl Lines {
    fn take(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["log", key] => self.log(key, None),
            ["log", key, url] => self.log(key, Some(url)),
            ["witness", name, key] => self.witness(name, key, None),
            ["witness", name, key, url] => self.witness(name, key, Some(url)),
            ["group", name, least, members @ ..] => self.group(name, least, members),
            ["quorum", name] => self.quorum(name),
            [first, ..] => Err(format!(
                "`{first}`: expected log KEY [URL], witness NAME KEY [URL], \
                 group NAME all|any|K MEMBER..., or quorum NAME|none"
            )),
        }
    }

    fn log(&mut self, key: &str, url: Option<&&str>) -> Result<(), String> {
        let key = self.new_key(key, KeyKind::Log)?;
        let name = key.name().to_owned();
        self.logs.push(Party { name, key, url: url.map(|url| (*url).to_owned()) });
        Ok(())
    }

    fn witness(&mut self, name: &str, key: &str, url: Option<&&str>) -> Result<(), String> {
        let key = self.new_key(key, KeyKind::Cosigner)?;
        self.define(name, Quorum::Witness(self.witnesses.len()))?;
        let (name, url) = (name.to_owned(), url.map(|url| (*url).to_owned()));
        self.witnesses.push(Party { name, key, url });
        Ok(())
    }

    fn group(&mut self, name: &str, least: &str, members: &[&str]) -> Result<(), String> {
        let least = match least {
            "all" => members.len(),
            "any" => 1,
            number => super::note::parse_size(number)
                .and_then(|number| usize::try_from(number).ok())
                .ok_or_else(|| format!("`{number}`: expected all, any or a number"))?,
        };
        if least == 0 || least > members.len() {
            return Err(format!("{least} of {} members", members.len()));
        }
        let members = members.iter().map(|member| self.claim(member)).collect::<Result<_, _>>()?;
        self.define(name, Quorum::Group(self.groups.len()))?;
        self.groups.push(Group { least, members });
        Ok(())
    }

    fn quorum(&mut self, name: &str) -> Result<(), String> {
        if self.quorum.is_some() {
            return Err("a second quorum line".to_owned());
        }
        let named = self.defined.get(name).map(|(quorum, _)| *quorum);
        let quorum = if name == "none" { Some(Quorum::None) } else { named };
        let unknown = || format!("`{name}` is defined by no line before");
        self.quorum = Some(quorum.ok_or_else(unknown)?);
        Ok(())
    }

    /// Takes a name as a group's member: it counts only once.
    fn claim(&mut self, name: &str) -> Result<Quorum, String> {
        match self.defined.get_mut(name) {
            None => Err(format!("`{name}` is defined by no line before")),
            Some((_, true)) => Err(format!("`{name}` is a member twice")),
            Some((member, claimed)) => {
                *claimed = true;
                Ok(*member)
            }
        }
    }

    fn define(&mut self, name: &str, what: Quorum) -> Result<(), String> {
        if name == "none" || self.defined.contains_key(name) {
            return Err(format!("the name `{name}` is taken"));
        }
        self.defined.insert(name.to_owned(), (what, false));
        Ok(())
    }

    fn new_key(&self, text: &str, kind: KeyKind) -> Result<VerifierKey, String> {
        let key: VerifierKey = text.parse().map_err(|error: KeyError| error.to_string())?;
        if key.kind() != kind {
            let wanted =
                if kind == KeyKind::Log { "a log's (0x01)" } else { "a cosigner's (0x04)" };
            return Err(format!("the key of `{}` is not {wanted}", key.name()));
        }
        let known = self.logs.iter().chain(&self.witnesses);
        if known.into_iter().any(|party| party.key.public_bytes() == key.public_bytes()) {
            return Err(format!("the key of `{}` is listed twice", key.name()));
        }
        Ok(key)
    }
}
