//! From the text of a statement about users and rights to what it asks for.

use proto::errors::{ClientError, ErrorId};
use proto::ids::{KeyspaceName, UserName};
use proto::limits::MAX_ACCOUNT_NAME;

use super::privileges::Privileges;
use super::statement::{AccountStatement, Level, Password, PasswordCommand, Subject};
use super::tokens::{Token, cut, unread};
use crate::limits::MAX_USERS_PER_STATEMENT;

/// Reads a statement; `database` is the session's default one, which `ON *` means.
pub fn read(text: &str, database: Option<&KeyspaceName>) -> Result<AccountStatement, ClientError> {
    // What is no UTF-8 was replaced on the way; a password must not be.
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(ErrorId::AccountForm.with("statements about users are written in utf8mb4"));
    }
    let mut reader = Reader { tokens: cut(text)?, at: 0, database };
    let statement = reader.statement()?;
    reader.symbol(';');
    if reader.at < reader.tokens.len() { Err(unread()) } else { Ok(statement) }
}

fn form(what: impl std::fmt::Display) -> ClientError {
    ErrorId::AccountForm.with(what)
}

struct Reader<'a> {
    tokens: Vec<Token>,
    at: usize,
    database: Option<&'a KeyspaceName>,
}

impl Reader<'_> {
    fn statement(&mut self) -> Result<AccountStatement, ClientError> {
        match self.any_word()?.as_str() {
            "CREATE" => self.about_users(Self::create),
            "ALTER" => self.about_users(Self::alter),
            "DROP" => self.about_users(|reader| {
                let if_exists = reader.words(&["IF", "EXISTS"]);
                Ok(AccountStatement::Drop { users: reader.list(Self::user)?, if_exists })
            }),
            "RENAME" => self.about_users(|reader| {
                let pair = |reader: &mut Self| {
                    let from = reader.user()?;
                    reader.demand(&["TO"])?;
                    Ok((from, reader.user()?))
                };
                Ok(AccountStatement::Rename(reader.list(pair)?))
            }),
            "SET" => self.set_password(),
            "GRANT" => self.grant(),
            "REVOKE" => self.revoke(),
            "SHOW" => self.show(),
            _ => Err(unread()),
        }
    }

    fn about_users(
        &mut self,
        then: impl FnOnce(&mut Self) -> Result<AccountStatement, ClientError>,
    ) -> Result<AccountStatement, ClientError> {
        if self.words(&["ROLE"]) {
            return Err(no_roles());
        }
        self.demand(&["USER"])?;
        then(self)
    }

    fn create(&mut self) -> Result<AccountStatement, ClientError> {
        let if_not_exists = self.words(&["IF", "NOT", "EXISTS"]);
        let user = |reader: &mut Self| {
            let name = reader.user()?;
            let password = reader.identified()?.ok_or_else(|| {
                form(format_args!(
                    "a user without a password cannot log in; \
                     write CREATE USER '{name}'@'%' IDENTIFIED BY and the password"
                ))
            })?;
            Ok((name, password))
        };
        let users = self.list(user)?;
        self.no_options()?;
        Ok(AccountStatement::Create { users, if_not_exists })
    }

    fn alter(&mut self) -> Result<AccountStatement, ClientError> {
        let if_exists = self.words(&["IF", "EXISTS"]);
        let user = |reader: &mut Self| {
            let subject = reader.subject()?;
            let password = reader.identified()?.ok_or_else(|| {
                form("ALTER USER changes passwords only; write ALTER USER 'name'@'%' IDENTIFIED BY and the password")
            })?;
            Ok((subject, password))
        };
        let users = self.list(user)?;
        self.no_options()?;
        Ok(AccountStatement::SetPasswords { users, if_exists, command: PasswordCommand::AlterUser })
    }

    fn set_password(&mut self) -> Result<AccountStatement, ClientError> {
        self.demand(&["PASSWORD"])?;
        let subject = if self.words(&["FOR"]) { self.subject()? } else { Subject::Current };
        if !self.symbol('=') {
            return Err(form(
                "SET PASSWORD takes the password itself; write SET PASSWORD = and the password in quotes",
            ));
        }
        let users = vec![(subject, self.password()?)];
        self.no_options()?;
        Ok(AccountStatement::SetPasswords { users, if_exists: false, command: PasswordCommand::SetPassword })
    }

    /// `IDENTIFIED [WITH caching_sha2_password] BY 'password'`.
    fn identified(&mut self) -> Result<Option<Password>, ClientError> {
        if !self.words(&["IDENTIFIED"]) {
            return Ok(None);
        }
        if self.words(&["WITH"]) {
            let plugin = match self.next() {
                Some(Token::Word(name) | Token::Name(name) | Token::String(name)) => {
                    name.to_ascii_lowercase()
                }
                _ => return Err(unread()),
            };
            if plugin != "caching_sha2_password" {
                return Err(form(
                    "users log in by caching_sha2_password only; write IDENTIFIED BY and the password",
                ));
            }
        }
        if !self.words(&["BY"]) {
            return Err(form(
                "a user is made with a password, not its hash; write IDENTIFIED BY and the password",
            ));
        }
        self.password().map(Some)
    }

    fn password(&mut self) -> Result<Password, ClientError> {
        match self.next() {
            Some(Token::String(password)) if password.is_empty() => {
                Err(form("a user with an empty password cannot log in; write a password between the quotes"))
            }
            Some(Token::String(password)) => Ok(Password(password)),
            _ => Err(form("the password stands in quotes; random ones are not made here")),
        }
    }

    /// What may follow the users because it is so anyway; everything else is refused.
    fn no_options(&mut self) -> Result<(), ClientError> {
        while self.words(&["REQUIRE", "NONE"]) || self.words(&["ACCOUNT", "UNLOCK"]) {}
        match self.peek_word().as_deref() {
            None => Ok(()),
            Some("REPLACE" | "RETAIN" | "DISCARD") => {
                Err(form("a user has one password, and changing it asks for no other; leave the option out"))
            }
            Some("ACCOUNT") => {
                Err(form("users are not locked here; write DROP USER, or REVOKE their rights"))
            }
            Some("REQUIRE") => Err(form("clients choose whether they use TLS; leave REQUIRE out")),
            Some("DEFAULT") => Err(no_roles()),
            Some(_) => Err(form("only IDENTIFIED BY is known of the options of users; leave the others out")),
        }
    }

    fn grant(&mut self) -> Result<AccountStatement, ClientError> {
        let (names, on) = self.privileges("TO")?;
        let users = self.list(Self::user)?;
        let everything = names.iter().any(|name| name.starts_with("ALL"));
        if self.words(&["WITH"]) {
            self.demand(&["GRANT", "OPTION"])?;
            if on != Level::Everywhere || !everything {
                return Err(form(
                    "only users with ALL ON *.* make users and grant rights; leave WITH GRANT OPTION out",
                ));
            }
        }
        if self.words(&["AS"]) {
            return Err(no_roles());
        }
        Ok(AccountStatement::Grant { privileges: Privileges::read(&names)?, on, users })
    }

    fn revoke(&mut self) -> Result<AccountStatement, ClientError> {
        if self.words(&["IF", "EXISTS"]) {
            return Err(form("REVOKE IF EXISTS is not known; leave IF EXISTS out"));
        }
        let start = self.at;
        let everything = self.words(&["ALL", "PRIVILEGES"]) || self.words(&["ALL"]);
        if everything && self.symbol(',') && self.words(&["GRANT", "OPTION", "FROM"]) {
            let users = self.list(Self::user)?;
            return Ok(AccountStatement::Revoke { privileges: Privileges::All, on: None, users });
        }
        self.at = start;
        let (names, on) = self.privileges("FROM")?;
        let users = self.list(Self::user)?;
        Ok(AccountStatement::Revoke { privileges: Privileges::read(&names)?, on: Some(on), users })
    }

    /// The names of privileges, `ON`, where, and the word before the users.
    fn privileges(&mut self, then: &str) -> Result<(Vec<String>, Level), ClientError> {
        let mut names = vec![String::new()];
        loop {
            let Some(token) = self.next() else { return Err(unread()) };
            match token {
                Token::Symbol(',') => names.push(String::new()),
                Token::Symbol('(') => {
                    return Err(form(
                        "rights are those of a whole keyspace, not of columns; leave the columns out",
                    ));
                }
                Token::Word(word) if word.eq_ignore_ascii_case("ON") => break,
                Token::Word(word) if word.eq_ignore_ascii_case(then) => return Err(no_roles()),
                Token::Word(word) => {
                    let name = names.last_mut().ok_or_else(unread)?;
                    if !name.is_empty() {
                        name.push(' ');
                    }
                    name.push_str(&word.to_ascii_uppercase());
                }
                // A role of MySQL in quotes.
                _ => return Err(no_roles()),
            }
        }
        if names.iter().any(|name| name == "PROXY") {
            return Err(form("nobody acts for another user here; PROXY cannot be granted"));
        }
        let on = self.level()?;
        self.demand(&[then])?;
        Ok((names, on))
    }

    fn level(&mut self) -> Result<Level, ClientError> {
        if self.words(&["FUNCTION"]) || self.words(&["PROCEDURE"]) {
            return Err(whole_keyspace());
        }
        self.words(&["TABLE"]);
        let first = self.next().ok_or_else(unread)?;
        let qualified = self.symbol('.');
        let name = match first {
            Token::Symbol('*') if qualified && self.symbol('*') => return Ok(Level::Everywhere),
            Token::Symbol('*') if !qualified => {
                let database = self.database.ok_or_else(|| ErrorId::NoDatabase.plain())?;
                return Ok(Level::Keyspace(database.clone()));
            }
            Token::Word(name) | Token::Name(name) if qualified && self.symbol('*') => name,
            Token::Word(_) | Token::Name(_) => return Err(whole_keyspace()),
            _ => return Err(unread()),
        };
        // In GRANT `_` and `%` stand for other characters, unless they are escaped; here a name is a name.
        let name = name.replace("\\_", "_");
        name.parse()
            .map(Level::Keyspace)
            .map_err(|invalid| form(format_args!("{invalid}; patterns are not known")))
    }

    fn show(&mut self) -> Result<AccountStatement, ClientError> {
        if self.words(&["CREATE", "USER"]) {
            return self.subject().map(AccountStatement::ShowCreate);
        }
        self.demand(&["GRANTS"])?;
        let subject = if self.words(&["FOR"]) { self.subject()? } else { Subject::Current };
        if self.words(&["USING"]) {
            return Err(no_roles());
        }
        Ok(AccountStatement::ShowGrants(subject))
    }

    fn subject(&mut self) -> Result<Subject, ClientError> {
        if self.words(&["CURRENT_USER"]) || self.words(&["USER"]) {
            if self.symbol('(') && !self.symbol(')') {
                return Err(unread());
            }
            return Ok(Subject::Current);
        }
        self.user().map(Subject::Named)
    }

    /// `name` or `name@'%'`.
    fn user(&mut self) -> Result<UserName, ClientError> {
        let name = match self.next() {
            Some(Token::Word(name) | Token::Name(name) | Token::String(name)) => name,
            _ => return Err(unread()),
        };
        if self.symbol('@') {
            match self.next() {
                Some(Token::String(host) | Token::Name(host)) if host == "%" => {}
                _ => return Err(form("users come from anywhere; write 'name'@'%', or the name alone")),
            }
        }
        if name.chars().count() > MAX_ACCOUNT_NAME {
            return Err(ErrorId::LongUserName.with(name));
        }
        name.parse().map_err(form)
    }

    fn list<T>(&mut self, item: impl Fn(&mut Self) -> Result<T, ClientError>) -> Result<Vec<T>, ClientError> {
        let mut items = vec![item(self)?];
        while self.symbol(',') {
            items.push(item(self)?);
        }
        if items.len() > MAX_USERS_PER_STATEMENT {
            return Err(form(format_args!("write at most {MAX_USERS_PER_STATEMENT} users in one statement")));
        }
        Ok(items)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn peek_word(&self) -> Option<String> {
        match self.tokens.get(self.at) {
            Some(Token::Word(word)) => Some(word.to_ascii_uppercase()),
            _ => None,
        }
    }

    fn any_word(&mut self) -> Result<String, ClientError> {
        let word = self.peek_word().ok_or_else(unread)?;
        self.at += 1;
        Ok(word)
    }

    /// Takes the words if they are next.
    fn words(&mut self, words: &[&str]) -> bool {
        let next = self.tokens.iter().skip(self.at).take(words.len());
        let are_next = next.len() == words.len()
            && next
                .zip(words)
                .all(|(token, word)| matches!(token, Token::Word(is) if is.eq_ignore_ascii_case(word)));
        if are_next {
            self.at += words.len();
        }
        are_next
    }

    fn demand(&mut self, words: &[&str]) -> Result<(), ClientError> {
        if self.words(words) { Ok(()) } else { Err(unread()) }
    }

    /// Takes the symbol if it is next.
    fn symbol(&mut self, symbol: char) -> bool {
        let is_next = self.tokens.get(self.at) == Some(&Token::Symbol(symbol));
        self.at += usize::from(is_next);
        is_next
    }
}

fn no_roles() -> ClientError {
    form(
        "there are no roles to be made or granted; write GRANT with privileges: SELECT, SELECT, INSERT, UPDATE, DELETE, EXECUTE, or ALL ON `keyspace`.* TO 'name'@'%'",
    )
}

fn whole_keyspace() -> ClientError {
    form("rights are those of a whole keyspace; write ON `keyspace`.* or ON *.*")
}

#[cfg(test)]
mod tests;
