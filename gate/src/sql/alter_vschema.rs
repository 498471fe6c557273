//! `ALTER VSCHEMA`: Vitess' statements for its vschema, which are no SQL of MySQL.

use std::iter::Peekable;
use std::vec::IntoIter;

use sqlparser::dialect::MySqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};
use topo::records::{AutoIncrement, VindexDefinition};
use topo::vschema::{Change, VindexSpec};

/// A statement, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterVschema {
    /// The keyspace that it names; `None`: the default one.
    pub keyspace: Option<String>,
    /// What becomes of its vschema.
    pub change: Change,
}

/// What the statement lacks, or has too much of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unread(String);

/// Reads the client's own text.
pub fn read(text: &str) -> Result<AlterVschema, Unread> {
    let tokens = Tokenizer::new(&MySqlDialect {}, text).tokenize();
    let tokens = tokens.map_err(|error| Unread(error.message))?;
    let tokens: Vec<Token> =
        tokens.into_iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect();
    let mut reader = Reader { tokens: tokens.into_iter().peekable(), keyspace: None };
    reader.words(&["ALTER", "VSCHEMA"])?;
    let change = reader.change()?;
    reader.take_if(&Token::SemiColon);
    match reader.tokens.next() {
        None => Ok(AlterVschema { keyspace: reader.keyspace, change }),
        Some(token) => Err(Unread(format!("nothing was expected where {token} stands"))),
    }
}

struct Reader {
    tokens: Peekable<IntoIter<Token>>,
    keyspace: Option<String>,
}

impl Reader {
    fn change(&mut self) -> Result<Change, Unread> {
        let forms = "CREATE VINDEX, DROP VINDEX, ADD TABLE, DROP TABLE, ADD SEQUENCE, DROP SEQUENCE or ON was expected";
        match self.either(&["CREATE", "ADD", "DROP", "ON"], forms)? {
            "CREATE" => {
                self.words(&["VINDEX"])?;
                let name = self.object()?;
                let definition = self.definition()?;
                if definition.kind.is_empty() {
                    return Err(Unread("USING and the type of the vindex were expected".to_owned()));
                }
                Ok(Change::CreateVindex(VindexSpec { name, definition }))
            }
            "ADD" => match self.either(&["TABLE", "SEQUENCE"], forms)? {
                "TABLE" => Ok(Change::AddTable(self.object()?)),
                _ => Ok(Change::AddSequence(self.object()?)),
            },
            "DROP" => match self.either(&["VINDEX", "TABLE", "SEQUENCE"], forms)? {
                "VINDEX" => Ok(Change::DropVindex(self.object()?)),
                "TABLE" => Ok(Change::DropTable(self.object()?)),
                _ => Ok(Change::DropSequence(self.object()?)),
            },
            _ => {
                let table = self.object()?;
                self.change_of_table(table)
            }
        }
    }

    fn change_of_table(&mut self, table: String) -> Result<Change, Unread> {
        let forms = "ADD or DROP, then VINDEX or AUTO_INCREMENT, was expected";
        let verb = self.either(&["ADD", "DROP"], forms)?;
        match (verb, self.either(&["VINDEX", "AUTO_INCREMENT"], forms)?) {
            ("ADD", "VINDEX") => {
                let name = self.name()?;
                let columns = self.columns()?;
                let definition = self.definition()?;
                Ok(Change::AddColumnVindex { table, columns, vindex: VindexSpec { name, definition } })
            }
            ("ADD", _) => {
                let column = self.name()?;
                self.words(&["USING"])?;
                let mut sequence = self.name()?;
                if self.take_if(&Token::Period) {
                    sequence = format!("{sequence}.{}", self.name()?);
                }
                let numbers = AutoIncrement { column, sequence, ..AutoIncrement::default() };
                Ok(Change::AddAutoIncrement { table, numbers })
            }
            (_, "VINDEX") => Ok(Change::DropColumnVindex { table, vindex: self.name()? }),
            _ => Ok(Change::DropAutoIncrement(table)),
        }
    }

    /// `USING type WITH name = value, …`, all of it optional.
    fn definition(&mut self) -> Result<VindexDefinition, Unread> {
        let mut definition = VindexDefinition::default();
        if self.take_word("USING") {
            definition.kind = self.name()?;
        }
        if !self.take_word("WITH") {
            return Ok(definition);
        }
        loop {
            let name = self.name()?;
            if !self.take_if(&Token::Eq) {
                return Err(Unread(format!("= was expected after {name}")));
            }
            let value = self.value()?;
            if name.eq_ignore_ascii_case("owner") {
                definition.owner = value;
            } else {
                definition.params.insert(name, value);
            }
            if !self.take_if(&Token::Comma) {
                return Ok(definition);
            }
        }
    }

    fn columns(&mut self) -> Result<Vec<String>, Unread> {
        if !self.take_if(&Token::LParen) {
            return Err(Unread("the columns in parentheses were expected".to_owned()));
        }
        let mut columns = vec![self.name()?];
        while self.take_if(&Token::Comma) {
            columns.push(self.name()?);
        }
        if !self.take_if(&Token::RParen) {
            return Err(Unread("a closing parenthesis was expected".to_owned()));
        }
        Ok(columns)
    }

    /// `name` or `keyspace.name`.
    fn object(&mut self) -> Result<String, Unread> {
        let first = self.name()?;
        if !self.take_if(&Token::Period) {
            return Ok(first);
        }
        self.keyspace = Some(first);
        self.name()
    }

    fn name(&mut self) -> Result<String, Unread> {
        match self.tokens.next() {
            Some(Token::Word(word)) if !word.value.is_empty() => Ok(word.value),
            Some(token) => Err(Unread(format!("a name was expected where {token} stands"))),
            None => Err(Unread("a name was expected at the end".to_owned())),
        }
    }

    fn value(&mut self) -> Result<String, Unread> {
        match self.tokens.next() {
            Some(Token::Word(word)) => Ok(word.value),
            Some(Token::SingleQuotedString(text) | Token::DoubleQuotedString(text)) => Ok(text),
            Some(Token::Number(digits, _)) => Ok(digits),
            Some(token) => Err(Unread(format!("a value was expected where {token} stands"))),
            None => Err(Unread("a value was expected at the end".to_owned())),
        }
    }

    fn words(&mut self, words: &[&str]) -> Result<(), Unread> {
        for word in words {
            if !self.take_word(word) {
                return Err(Unread(format!("{word} was expected")));
            }
        }
        Ok(())
    }

    fn either(&mut self, words: &[&'static str], otherwise: &str) -> Result<&'static str, Unread> {
        let found = words.iter().copied().find(|word| self.take_word(word));
        found.ok_or_else(|| Unread(otherwise.to_owned()))
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let is_wanted = |token: &Token| match token {
            Token::Word(word) => word.quote_style.is_none() && word.value.eq_ignore_ascii_case(wanted),
            _ => false,
        };
        self.tokens.next_if(is_wanted).is_some()
    }

    fn take_if(&mut self, wanted: &Token) -> bool {
        self.tokens.next_if(|token| token == wanted).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(kind: &str, owner: &str, params: &[(&str, &str)]) -> VindexDefinition {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        VindexDefinition { kind: kind.into(), owner: owner.into(), params, ..VindexDefinition::default() }
    }

    fn spec(name: &str, definition: VindexDefinition) -> VindexSpec {
        VindexSpec { name: name.into(), definition }
    }

    #[test]
    fn every_form_of_vitess_is_read() {
        let lookup = definition(
            "consistent_lookup_unique",
            "corder",
            &[("table", "product.corder_idx"), ("from", "corder_id"), ("to", "keyspace_id"), ("batch", "7")],
        );
        let added = |columns: &[&str], vindex| Change::AddColumnVindex {
            table: "corder".into(),
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            vindex,
        };
        let numbers = |sequence: &str| Change::AddAutoIncrement {
            table: "corder".into(),
            numbers: AutoIncrement {
                column: "id".into(),
                sequence: sequence.into(),
                ..AutoIncrement::default()
            },
        };
        let none = VindexDefinition::default;
        let cases = [
            (
                "alter vschema create vindex hash using hash",
                Change::CreateVindex(spec("hash", definition("hash", "", &[]))),
            ),
            (
                "ALTER VSCHEMA CREATE VINDEX look USING consistent_lookup_unique WITH owner=corder, \
                 table=`product.corder_idx`, from='corder_id', to=\"keyspace_id\", batch = 7;",
                Change::CreateVindex(spec("look", lookup)),
            ),
            ("alter vschema drop vindex `ha``sh`", Change::DropVindex("ha`sh".into())),
            ("alter vschema add table product", Change::AddTable("product".into())),
            ("alter vschema drop table product", Change::DropTable("product".into())),
            (
                "alter vschema on corder add vindex hash (customer_id)",
                added(&["customer_id"], spec("hash", none())),
            ),
            (
                "alter /* both */ vschema on corder add vindex o(a, `b`) using multicol with column_count=2 -- end",
                added(&["a", "b"], spec("o", definition("multicol", "", &[("column_count", "2")]))),
            ),
            (
                "alter vschema on corder drop vindex hash",
                Change::DropColumnVindex { table: "corder".into(), vindex: "hash".into() },
            ),
            ("alter vschema add sequence seq", Change::AddSequence("seq".into())),
            ("alter vschema drop sequence seq", Change::DropSequence("seq".into())),
            ("alter vschema on corder add auto_increment id using seq", numbers("seq")),
            ("alter vschema on corder add auto_increment id using product.seq", numbers("product.seq")),
            ("alter vschema on corder drop auto_increment", Change::DropAutoIncrement("corder".into())),
        ];
        for (text, change) in cases {
            assert_eq!(read(text), Ok(AlterVschema { keyspace: None, change }), "{text}");
        }
        let named = read("alter vschema on shop.corder drop vindex hash").unwrap();
        assert_eq!(named.keyspace.as_deref(), Some("shop"));
    }

    #[test]
    fn what_is_missing_is_said() {
        let cases = [
            ("alter vschema", "CREATE VINDEX"),
            ("alter vschema rename table a", "CREATE VINDEX"),
            ("alter vschema create vindex a", "USING"),
            ("alter vschema create vindex a using hash with b", "= was expected after b"),
            ("alter vschema create vindex a using hash with b = (", "a value was expected where ("),
            ("alter vschema add table", "a name was expected at the end"),
            ("alter vschema add table 'a'", "a name was expected where 'a'"),
            ("alter vschema add table a b", "nothing was expected where b"),
            ("alter vschema on t rename x", "ADD or DROP"),
            ("alter vschema on t add vindex v", "columns in parentheses"),
            ("alter vschema on t add vindex v (a", "closing parenthesis"),
            ("alter vschema on t add auto_increment a", "USING was expected"),
        ];
        for (text, part) in cases {
            let why = read(text).unwrap_err().to_string();
            assert!(why.contains(part), "{text}: {why}");
        }
        assert!(read("alter vschema add table 'a").is_err());
    }
}
