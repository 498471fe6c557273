//! What holds whatever the tables say.

use super::*;
use crate::limits::MAX_ADMITTED_LAG;

fn every_server() -> Vec<Server> {
    let mut servers = Vec::new();
    for fence in [Raised, Proving, Read, Half, Lifted] {
        for waits in [Switch::On, Switch::Off] {
            for acks in [Acks::Yes, Acks::No] {
                for at in [None, Some(source()), Some(elsewhere())] {
                    let channel = at.and_then(|at| following(at).channel);
                    servers.push(Server { fence, waits, acks, channel });
                }
            }
        }
    }
    servers
}

fn every_reading() -> Vec<Reading> {
    let mut records = vec![None];
    for term in 0..4 {
        for who in [None, Some(ME), Some(OTHER)] {
            for ackers in [&[][..], &[ME], &[THIRD]] {
                records.push(with_ackers(record(term, who), ackers));
            }
        }
    }
    let announced = [ME, THIRD].map(|to| {
        let transition = Some(Transition { next_term: Term(3), to: alias(to) });
        record(2, Some(OTHER)).map(|record| ShardRecord { transition, ..record })
    });
    records.extend(announced);
    let readings = records.into_iter().flat_map(|record| [Fresh(record.clone()), Recalled(record)]);
    [Unread].into_iter().chain(readings).collect()
}

/// Over every combination: what must hold whatever the tables say.
#[test]
fn laws() {
    let mut mysqlds = vec![Mysqld::StartDue, Mysqld::StartLater, Mysqld::GivenUp, Mysqld::Provisioning];
    mysqlds.extend([None, Some(Raised), Some(Read), Some(Lifted)].map(Mysqld::Silent));
    mysqlds.extend(every_server().into_iter().map(Mysqld::Up));
    let mut disks = vec![none()];
    for term in 1..3 {
        disks.extend([primary(term), replica(term)]);
    }
    for shard in every_reading() {
        for disk in &disks {
            for mysqld in &mysqlds {
                let plain = observation(mysqld.clone(), shard.clone(), *disk);
                for proven in [None, Some(Term(1)), Some(Term(2))] {
                    for lag in [None, Some(MAX_ADMITTED_LAG), Some(MAX_READ_LAG), Some(2 * MAX_READ_LAG)] {
                        let seen = Observation { proven, lag, ..plain.clone() };
                        check(&seen, &decide(&seen));
                    }
                    let left = Observation { proven, left_at: plain.revision, ..plain.clone() };
                    check(&left, &decide(&left));
                }
            }
        }
    }
}

/// Shown only where something is wrong.
struct Row<'a>(&'a Observation, &'a Decision);

impl std::fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {:?}", self.0, self.1)
    }
}

fn check(seen: &Observation, decision: &Decision) {
    let row = Row(seen, decision);
    let standing = decision.accept.unwrap_or(seen.accepted);
    assert!(standing.term >= seen.accepted.term, "terms never fall: {row}");
    let again = decide(&Observation { accepted: standing, ..seen.clone() });
    assert_eq!(again.accept, None, "accepting is settled at once: {row}");
    let named = matches!(&seen.shard, Fresh(Some(record)) if record.primary == Some(alias(ME))
        && record.term == standing.term);
    let Mysqld::Up(server) = &seen.mysqld else {
        assert!(matches!(decision.step, Leave | StartMysqld | Kill), "nobody is there to do it: {row}");
        return;
    };
    match &decision.step {
        OpenWrites | Admit => {
            assert!(named && standing.role == Some(TabletRole::Primary), "opened without right: {row}");
            let waits = seen.shard.record().is_some_and(|record| !record.ackers.is_empty());
            assert_eq!(server.waits == Switch::On, waits, "opened without its safeguard: {row}");
            assert!(server.channel.is_none(), "a replica opened: {row}");
            assert!(decision.step != Admit || seen.proven == Some(standing.term), "not proven: {row}");
        }
        StopWaiting => {
            assert!(!matches!(server.fence, Lifted | Read), "acknowledged without a replica: {row}")
        }
        Follow(_, acks) => {
            assert!(matches!(server.fence, Raised | Read), "follows while it is open: {row}");
            assert_eq!(standing.role, Some(TabletRole::Replica), "{row}");
            let listed = matches!(&seen.shard, Fresh(Some(record)) if record.ackers.contains(&alias(ME)));
            assert!(matches!(seen.shard, Fresh(_)), "follows by hearsay: {row}");
            assert!(*acks == Acks::No || listed, "acknowledges unlisted: {row}");
            let left = seen.left_at.is_some() && seen.left_at == seen.revision;
            assert!(*acks == Acks::No || !left, "acknowledges under a record that it left: {row}");
        }
        AdmitReaders => {
            assert_eq!(server.fence, Raised, "it was no fenced replica: {row}");
            assert!(matches!(seen.shard, Fresh(_)), "opened by hearsay: {row}");
            assert!(seen.lag.is_some_and(|lag| lag <= MAX_ADMITTED_LAG), "too old to be read: {row}");
            assert_eq!(standing.role, Some(TabletRole::Replica), "{row}");
            let followed = server.channel.as_ref().map(|channel| &channel.source);
            assert_eq!(followed, seen.primary_at.as_ref(), "follows somebody else: {row}");
        }
        Leave if server.fence == Lifted => {
            assert_eq!(standing.role, Some(TabletRole::Primary), "serves without right: {row}");
        }
        _ => {}
    }
    if server.fence == Read && decision.step != Raise {
        assert_eq!(standing.role, Some(TabletRole::Replica), "read without right: {row}");
        assert!(seen.lag.is_some_and(|lag| lag <= MAX_READ_LAG), "read although it is too old: {row}");
    }
    let read = server.fence == Read && decision.step != Raise || decision.step == AdmitReaders;
    if read {
        assert_eq!(server.waits, Switch::Off, "read while commits wait: {row}");
        let next = seen.shard.record().and_then(|record| record.transition.as_ref());
        assert!(next.is_none_or(|next| next.to != seen.me), "read although it is primary next: {row}");
    }
    if decision.beat.is_some() {
        assert!(matches!(server.fence, Lifted | Proving), "a replica's heart beats: {row}");
        assert_eq!(decision.beat, Some(standing.term), "{row}");
    }
}
