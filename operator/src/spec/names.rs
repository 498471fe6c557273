//! Words of the cluster file that have rules of their own.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::limits::{MAX_CLUSTER_NAME, MAX_GATES, MAX_TABLETS};

/// What a cluster is called: part of its keys in the topology store and of Kubernetes names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClusterName(String);

impl ClusterName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl TryFrom<String> for ClusterName {
    type Error = String;
    fn try_from(name: String) -> Result<Self, String> {
        let well_formed = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && !name.ends_with('-');
        if !well_formed || name.len() > MAX_CLUSTER_NAME {
            return Err(format!(
                "cluster name {name:?} is not valid: start with a lower-case letter, go on with lower-case \
                 letters, digits and '-', at most {MAX_CLUSTER_NAME} characters"
            ));
        }
        Ok(Self(name))
    }
}

impl From<ClusterName> for String {
    fn from(name: ClusterName) -> String {
        name.0
    }
}

/// A TCP port that a file names; never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Port(u16);

impl Port {
    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl TryFrom<u64> for Port {
    type Error = String;
    fn try_from(number: u64) -> Result<Self, String> {
        match u16::try_from(number) {
            Ok(port) if port > 0 => Ok(Self(port)),
            _ => Err(format!("port {number} is out of range")),
        }
    }
}

impl From<Port> for u64 {
    fn from(port: Port) -> u64 {
        port.0.into()
    }
}

/// How many processes of a kind there are; never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Replicas(u16);

impl Replicas {
    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl Default for Replicas {
    fn default() -> Self {
        Self(1)
    }
}

impl TryFrom<u64> for Replicas {
    type Error = String;
    fn try_from(number: u64) -> Result<Self, String> {
        match u16::try_from(number) {
            Ok(count) if (1..=MAX_GATES).contains(&count) => Ok(Self(count)),
            _ => Err(format!("{number} replicas are out of range")),
        }
    }
}

impl From<Replicas> for u64 {
    fn from(replicas: Replicas) -> u64 {
        replicas.0.into()
    }
}

/// How many tablets a shard has; never 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Tablets(u16);

impl Tablets {
    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl Default for Tablets {
    fn default() -> Self {
        Self(1)
    }
}

impl TryFrom<u64> for Tablets {
    type Error = String;
    fn try_from(number: u64) -> Result<Self, String> {
        match u16::try_from(number) {
            Ok(count) if (1..=MAX_TABLETS).contains(&count) => Ok(Self(count)),
            _ => Err(format!("a shard cannot have {number} tablets")),
        }
    }
}

impl From<Tablets> for u64 {
    fn from(tablets: Tablets) -> u64 {
        tablets.0.into()
    }
}

/// Whether the parts of a cluster speak TLS with one another.
///
/// `on` and `off` are words to one version of YAML and truth values to another, so both are taken, quoted or
/// not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tls {
    /// They do, and each shows a certificate.
    #[default]
    On,
    /// They trust the network.
    Off,
}

impl Serialize for Tls {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::On => "on",
            Self::Off => "off",
        })
    }
}

impl<'de> Deserialize<'de> for Tls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TlsWord)
    }
}

struct TlsWord;

impl Visitor<'_> for TlsWord {
    type Value = Tls;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("on or off")
    }

    fn visit_bool<E: serde::de::Error>(self, on: bool) -> Result<Tls, E> {
        Ok(if on { Tls::On } else { Tls::Off })
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Tls, E> {
        Err(E::custom("there is no value"))
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Tls, E> {
        match word.to_ascii_lowercase().as_str() {
            "on" | "true" | "yes" => Ok(Tls::On),
            "off" | "false" | "no" => Ok(Tls::Off),
            _ => Err(E::custom(format!("{word:?} is neither on nor off"))),
        }
    }
}
