//! Until when the certificates of the cluster's parts are valid.

use std::time::{SystemTime, UNIX_EPOCH};

use proto::tls::{CERTIFICATE_FILE, Part};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::{Finding, Level};
use crate::limits::CERTIFICATE_WARNING_DAYS;
use crate::local::layout::Layout;
use crate::spec::Tls;

const SECONDS_A_DAY: i64 = 86_400;

/// Every certificate that is not good for long; or one finding that all are.
pub(super) fn examine(layout: &Layout, tls: Tls) -> Vec<Finding> {
    if tls == Tls::Off {
        return vec![Finding::good("certificates", "the parts speak without TLS (`tls: off`)")];
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let own_authority = layout.tls_authority().exists();
    let (mut findings, mut soonest) = (Vec::new(), i64::MAX);
    for part in Part::ALL {
        let file = layout.tls(part).join(CERTIFICATE_FILE);
        let ends = CertificateDer::from_pem_file(&file).ok().and_then(|der| not_after(der.as_ref()));
        let cure = if own_authority {
            format!(
                "`shoal local down`, remove {}, and `shoal local up` makes a new one",
                layout.tls(part).display()
            )
        } else {
            format!("put a new certificate and key into {}, then `down` and `up`", layout.tls(part).display())
        };
        match ends {
            Some(ends) => {
                soonest = soonest.min(ends - now);
                findings.extend(judge(part.word(), ends - now, cure));
            }
            None => findings.push(Finding::bad(
                format!("certificate {}", part.word()),
                Level::Warning,
                format!("{} cannot be read", file.display()),
                cure,
            )),
        }
    }
    if findings.is_empty() {
        let days = soonest / SECONDS_A_DAY;
        findings.push(Finding::good("certificates", format!("valid for {days} more days")));
    }
    findings
}

fn judge(part: &str, seconds_left: i64, cure: String) -> Option<Finding> {
    let (check, days) = (format!("certificate {part}"), seconds_left / SECONDS_A_DAY);
    if seconds_left <= 0 {
        return Some(Finding::bad(check, Level::Error, format!("it expired {} days ago", -days), cure));
    }
    (days < CERTIFICATE_WARNING_DAYS)
        .then(|| Finding::bad(check, Level::Warning, format!("it expires in {days} days"), cure))
}

/// When a certificate ends, in seconds since 1970 (RFC 5280, section 4.1: the second time of the field `validity`,
/// which comes after version, serial number, signature and issuer).
fn not_after(der: &[u8]) -> Option<i64> {
    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    let (certificate, _) = value(der, SEQUENCE)?;
    let (mut fields, _) = value(certificate, SEQUENCE)?;
    if fields.first() == Some(&VERSION) {
        (_, fields) = value(fields, VERSION)?;
    }
    for _ in 0..3 {
        (_, fields) = value(fields, *fields.first()?)?;
    }
    let (validity, _) = value(fields, SEQUENCE)?;
    let (_, rest) = value(validity, *validity.first()?)?;
    time(rest)
}

/// The value at the front, if it has this tag, and what follows it.
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (head, rest) = der.split_at_checked(2)?;
    if head[0] != tag {
        return None;
    }
    let (length, rest) = match head[1] {
        short @ 0..0x80 => (usize::from(short), rest),
        long => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f).min(size_of::<u32>()))?;
            (digits.iter().fold(0, |length, &digit| length << 8 | usize::from(digit)), rest)
        }
    };
    rest.split_at_checked(length)
}

/// A time of DER: `YYMMDDhhmmssZ`, with years from 1950 to 2049, or `YYYYMMDDhhmmssZ`.
fn time(der: &[u8]) -> Option<i64> {
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;
    let (text, century) = match *der.first()? {
        UTC_TIME => (value(der, UTC_TIME)?.0, None),
        GENERALIZED_TIME => {
            let text = value(der, GENERALIZED_TIME)?.0;
            (text.get(2..)?, Some(number(text.get(..2)?)?))
        }
        _ => return None,
    };
    let field = |place: usize| number(text.get(2 * place..2 * place + 2)?);
    let year = match (century, field(0)?) {
        (Some(century), year) => century * 100 + year,
        (None, year @ 50..) => 1900 + year,
        (None, year) => 2000 + year,
    };
    let days = days_since_1970(year, field(1)?, field(2)?);
    Some(days * SECONDS_A_DAY + field(3)? * 3600 + field(4)? * 60 + field(5)?)
}

fn number(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date
/// algorithms", days_from_civil).
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(year: i32) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["gate.shoal".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(year, 3, 1);
        params.self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_of_a_certificate_is_read_in_both_forms_of_its_time() {
        // Seconds as `date -u -d 2030-03-01 +%s` gives them.
        assert_eq!(not_after(&certificate(2030)), Some(1_898_553_600));
        assert_eq!(not_after(&certificate(2120)), Some(4_738_694_400));
        assert_eq!(not_after(b"no certificate"), None);
        let whole = certificate(2030);
        for length in 0..120 {
            assert_eq!(not_after(&whole[..length]), None, "{length}");
        }
    }

    #[test]
    fn a_certificate_is_told_of_before_it_ends() {
        let level =
            |days: i64| judge("gate", days * SECONDS_A_DAY + 1, "cure".into()).map(|found| found.level);
        assert_eq!(level(CERTIFICATE_WARNING_DAYS), None);
        assert_eq!(level(CERTIFICATE_WARNING_DAYS - 1), Some(Level::Warning));
        assert_eq!(level(-2), Some(Level::Error));
    }
}
