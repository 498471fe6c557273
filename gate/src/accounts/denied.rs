//! MySQL's errors of access name the account behind; the client is told of its own.

use proto::wire::reply::ERROR_TEXT_AT;

use crate::hold::decide::error_code;

/// Errors that name the account as it is granted: from any host.
const OF_ACCOUNT: [u16; 3] = [1044, 1045, 1370];
/// Errors that name it with the host that it comes from.
const OF_CONNECTION: [u16; 2] = [1142, 1143];

/// Whether an error of this code names an account.
pub fn names_account(code: u16) -> bool {
    OF_ACCOUNT.contains(&code) || OF_CONNECTION.contains(&code)
}

/// The error packet with the client's user in the account's place; `None`: it names none.
pub fn packet_for(packet: &[u8], user: &str, host: &str) -> Option<Vec<u8>> {
    let code = error_code(packet)?;
    let (head, text) = packet.split_at_checked(ERROR_TEXT_AT)?;
    let text = text_for(code, std::str::from_utf8(text).ok()?, user, host)?;
    Some([head, text.as_bytes()].concat())
}

/// The same for an error's text.
pub fn text_for(code: u16, text: &str, user: &str, host: &str) -> Option<String> {
    if !names_account(code) {
        return None;
    }
    // Neither part of an account has a quote in it.
    let (before, rest) = text.split_once(" user '")?;
    let (_, rest) = rest.split_once("'@'")?;
    let (_, after) = rest.split_once('\'')?;
    let host = if OF_ACCOUNT.contains(&code) { "%" } else { host };
    Some(format!("{before} user '{user}'@'{host}'{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_client() {
        let cases = [
            (
                1142,
                "INSERT command denied to user 'shop.read'@'10.0.0.1' for table 't'",
                "INSERT command denied to user 'ann'@'::1' for table 't'",
            ),
            (
                1044,
                "Access denied for user 'shop.read'@'%' to database 'o''x'",
                "Access denied for user 'ann'@'%' to database 'o''x'",
            ),
            (
                1370,
                "execute command denied to user 'shop.read'@'%' for routine 'shop.p'",
                "execute command denied to user 'ann'@'%' for routine 'shop.p'",
            ),
        ];
        for (code, text, expected) in cases {
            assert_eq!(text_for(code, text, "ann", "::1").as_deref(), Some(expected));
            let head = [0xff, code as u8, (code >> 8) as u8, b'#', b'4', b'2', b'0', b'0', b'0'];
            let packet = packet_for(&[&head, text.as_bytes()].concat(), "ann", "::1").unwrap();
            assert_eq!(packet, [&head, expected.as_bytes()].concat());
        }
        assert_eq!(text_for(1062, "Duplicate entry ' user 'a'@'b'' for key", "ann", "::1"), None);
        assert_eq!(packet_for(b"\xff", "ann", "::1"), None);
    }
}
