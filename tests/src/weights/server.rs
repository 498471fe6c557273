//! `WEIGHT_STRING` of every character, asked of a server.

use anyhow::{Context, Result, bail, ensure};

use crate::differential::outcome::Outcome;
use crate::differential::session::Session;

/// Code points that one statement asks for.
const CODE_POINTS_PER_STATEMENT: u32 = 0x1_0000;
/// Code points whose answers come in one row.
const CODE_POINTS_PER_ROW: u32 = 256;

/// A server's answers for one collation.
#[derive(Debug)]
pub struct Server {
    session: Session,
}

impl Server {
    /// Takes a session of the server's.
    pub async fn new(mut session: Session) -> Result<Self> {
        let settings = format!(
            "SET cte_max_recursion_depth = {}, group_concat_max_len = 1 << 30",
            2 * CODE_POINTS_PER_STATEMENT
        );
        session.run_all(&[&settings, "SET NAMES utf8mb4"]).await?;
        Ok(Self { session })
    }

    /// The session, for questions of another kind.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The weights of every character that the collation's character set has, in order.
    pub async fn weights(&mut self, collation: &str) -> Result<Vec<(char, Vec<u8>)>> {
        let character_set = collation.split('_').next().context("a collation without a name")?;
        let code_points = match character_set {
            "utf8mb4" => 0x11_0000,
            "utf8mb3" => 0x1_0000,
            // The characters of latin1 that are not among the first 256.
            "latin1" => 0x2123,
            "ascii" => 0x80,
            other => bail!("character set {other} is not read here"),
        };
        let mut found = Vec::new();
        for first in (0..code_points).step_by(CODE_POINTS_PER_STATEMENT as usize) {
            let last = (first + CODE_POINTS_PER_STATEMENT).min(code_points) - 1;
            self.some(collation, character_set, first..=last, &mut found).await?;
        }
        Ok(found)
    }

    async fn some(
        &mut self,
        collation: &str,
        character_set: &str,
        code_points: std::ops::RangeInclusive<u32>,
        found: &mut Vec<(char, Vec<u8>)>,
    ) -> Result<()> {
        // A character that the character set lacks becomes a question mark.
        let question = format!(
            "WITH RECURSIVE n (c) AS (SELECT {} UNION ALL SELECT c + 1 FROM n WHERE c < {}), \
             t (c, u) AS (SELECT c, CONVERT(UNHEX(LPAD(HEX(c), 8, '0')) USING utf32) FROM n \
                          WHERE c NOT BETWEEN 0xd800 AND 0xdfff), \
             w (c, w) AS (SELECT c, HEX(WEIGHT_STRING(CONVERT(u USING {character_set}) COLLATE {collation})) FROM t \
                          WHERE c = 63 OR HEX(CONVERT(u USING {character_set})) <> '3F') \
             SELECT GROUP_CONCAT(CONCAT_WS(':', HEX(c), w) ORDER BY c SEPARATOR ' ') FROM w \
             GROUP BY c DIV {CODE_POINTS_PER_ROW} ORDER BY MIN(c)",
            code_points.start(),
            code_points.end()
        );
        let rows = match self.session.run(&question).await? {
            Outcome::Rows { rows, .. } => rows,
            other => bail!("{collation}: {other}"),
        };
        for row in rows {
            let Some(Some(text)) = row.first() else { bail!("{collation}: a row without text") };
            for one in std::str::from_utf8(text)?.split(' ') {
                let (c, weights) = one.split_once(':').context("no colon")?;
                let c = char::from_u32(u32::from_str_radix(c, 16)?).context("no character")?;
                found.push((c, bytes(weights)?));
            }
        }
        Ok(())
    }
}

/// The bytes that hexadecimal digits stand for.
pub fn bytes(digits: &str) -> Result<Vec<u8>> {
    ensure!(digits.len().is_multiple_of(2) && digits.is_ascii(), "not hexadecimal: {digits:?}");
    let byte = |at: usize| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16);
    Ok((0..digits.len() / 2).map(byte).collect::<Result<_, _>>()?)
}
