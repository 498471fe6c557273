//! What happened between two looks at a shard, as events. Pure.

use std::time::Duration;

use proto::ids::ShardRef;
use topo::records::{EventObject, EventReason, TabletState};

use super::decide::{Flaw, Repair, Step, Stuck, flaw, repair};
use super::observe::{Note, Observation};
use crate::agents::SeenTablet;
use crate::limits::{ABSENCE_PATIENCE, REPLICATION_PATIENCE, RISK_PATIENCE};
use crate::sight::one_line;

/// Something that people may want to know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) object: EventObject,
    pub(super) reason: EventReason,
    pub(super) observation: String,
}

/// What is to be told once for as long as it lasts: none of it if it was so before.
pub(super) fn stuck(shard: &ShardRef, before: &[Step], now: &[Step]) -> Option<Notice> {
    let stuck = |steps: &[Step]| {
        steps.iter().find_map(|step| if let Step::Stuck(stuck) = step { Some(stuck.clone()) } else { None })
    };
    let found = stuck(now).filter(|found| stuck(before).as_ref() != Some(found))?;
    let reason = match found {
        Stuck::TermUnknown { .. } => EventReason::TopologyBehind,
        Stuck::Apart => EventReason::ErrantTransactions,
    };
    Some(Notice { object: EventObject::Shard(shard.clone()), reason, observation: found.to_string() })
}

/// What is different now; `before` is `None` at the first look, which has nothing to compare with.
pub(super) fn compare(shard: &ShardRef, before: Option<&Observation>, now: &Observation) -> Vec<Notice> {
    let mut notices: Vec<Notice> = risk(shard, before, now).into_iter().collect();
    let Some(before) = before else { return notices };
    for tablet in &now.sight.tablets {
        let Some(old) = before.sight.tablet(tablet.alias()) else { continue };
        let notes = (before.note(tablet.alias()), now.note(tablet.alias()));
        let told =
            [reach(tablet, notes), mysqld(old, tablet, notes), replication(tablet, notes), errant(notes)];
        let repaired = repaired((before, old), (now, tablet)).into_iter().flatten();
        let told = told.into_iter().flatten().chain(died(tablet, notes.1)).chain(repaired);
        let told = told.chain(copied(now, tablet, notes));
        notices.extend(told.map(|(reason, observation)| Notice {
            object: EventObject::Tablet(tablet.alias().clone()),
            reason,
            observation,
        }));
    }
    notices
}

type Told = Option<(EventReason, String)>;

fn risk(shard: &ShardRef, before: Option<&Observation>, now: &Observation) -> Option<Notice> {
    let lasts = |seen: &Observation| seen.risk_for.is_some_and(|lasting| lasting >= RISK_PATIENCE);
    let (reason, observation) = match (before.is_some_and(lasts), lasts(now)) {
        (false, true) => (EventReason::CannotFailOver, now.sight.risk()?.to_string()),
        // A shorter risk was never told, and one that goes on is not over.
        (true, false) if now.risk_for.is_none() => {
            let fit: Vec<String> = now.sight.fit_replicas().map(|t| t.alias().to_string()).collect();
            (EventReason::CanFailOver, format!("could take over: {}", fit.join(", ")))
        }
        _ => return None,
    };
    Some(Notice { object: EventObject::Shard(shard.clone()), reason, observation })
}

/// Whether the absence is one that is told.
fn told_of(absence: Option<Duration>) -> bool {
    absence.is_some_and(|lasting| lasting >= ABSENCE_PATIENCE)
}

fn reach(tablet: &SeenTablet, (old, new): (&Note, &Note)) -> Told {
    let address = &tablet.record.agent_address;
    match (told_of(old.away_for), told_of(new.away_for)) {
        (false, true) => {
            Some((EventReason::TabletUnreachable, format!("its agent at {address} does not answer")))
        }
        (true, false) => Some((EventReason::TabletReachable, format!("its agent at {address} answers"))),
        _ => None,
    }
}

fn mysqld(before: &SeenTablet, now: &SeenTablet, (old, new): (&Note, &Note)) -> Told {
    let was_given_up = before.status.as_ref().is_some_and(|status| status.state == TabletState::GivenUp);
    let status = now.status.as_ref()?;
    match (told_of(old.down_for), told_of(new.down_for)) {
        // An agent gives up only after many attempts: this needs no patience.
        _ if status.state == TabletState::GivenUp => {
            (!was_given_up).then(|| (EventReason::MysqldGivenUp, status.reason.clone()))
        }
        (false, true) => Some((EventReason::MysqldDown, status.reason.clone())),
        (told, false) if new.down_for.is_none() && (told || was_given_up) => {
            Some((EventReason::MysqldUp, format!("version {}", status.mysql_version)))
        }
        _ => None,
    }
}

fn replication(tablet: &SeenTablet, (old, new): (&Note, &Note)) -> Told {
    let lasts = |broken: Option<Duration>| broken.is_some_and(|lasting| lasting >= REPLICATION_PATIENCE);
    let status = tablet.status.as_ref()?;
    match (lasts(old.broken_for), lasts(new.broken_for)) {
        // While it is tried once more, its agent has another reason.
        (false, true) => {
            let why = new.stopped_by.as_ref().map_or(&status.reason, |(_, text)| text);
            Some((EventReason::ReplicationBroken, why.clone()))
        }
        (true, false) if status.state == TabletState::Replicating => {
            let source = status.replication.as_ref().map(|replication| replication.source.as_str());
            Some((EventReason::ReplicationRestored, format!("from {}", source.unwrap_or("nobody"))))
        }
        _ => None,
    }
}

fn errant((old, new): (&Note, &Note)) -> Told {
    let new = if old.errant.is_empty() && !new.errant.is_empty() { &new.errant } else { return None };
    Some((EventReason::ErrantTransactions, format!("the primary lacks {}", one_line(new))))
}

/// What becomes of data that must be replaced, when that is news.
fn repaired(
    before: (&Observation, &SeenTablet),
    now: (&Observation, &SeenTablet),
) -> [Option<(EventReason, String)>; 2] {
    let of = |(seen, tablet): (&Observation, &SeenTablet)| {
        let primary = seen.sight.serving().map(|(_, primary)| primary);
        match primary.and_then(|primary| repair(seen, tablet, primary)) {
            None => (None, None),
            Some((flaw, repair)) => {
                let diverged = matches!(flaw, Flaw::Diverged(_)).then(|| flaw.to_string());
                let hindered = match repair {
                    Repair::Hindered(hindrance) => Some(format!("{flaw}; {hindrance}")),
                    Repair::Copy(_) | Repair::Later => None,
                };
                (diverged, hindered)
            }
        }
    };
    let ((diverged_before, hindered_before), (diverged, hindered)) = (of(before), of(now));
    let news = |reason, before: Option<String>, now: Option<String>| {
        now.filter(|_| before.is_none()).map(|text| (reason, text))
    };
    [
        news(EventReason::ReplicaDiverged, diverged_before, diverged),
        news(EventReason::ProvisioningHindered, hindered_before, hindered),
    ]
}

/// One death is told at once, several soon after each other together.
fn died(tablet: &SeenTablet, note: &Note) -> Told {
    let how = &tablet.status.as_ref()?.last_death;
    match note.deaths {
        0 => None,
        1 => Some((EventReason::MysqldDied, format!("it {how}"))),
        times => Some((EventReason::MysqldDied, format!("{times} times; at last it {how}"))),
    }
}

fn copied(now: &Observation, tablet: &SeenTablet, (old, new): (&Note, &Note)) -> Told {
    if !old.copying || new.copying {
        return None;
    }
    let reason = &tablet.status.as_ref()?.reason;
    let primary = now.sight.serving().map(|(_, primary)| primary);
    match primary.and_then(|primary| flaw(now, tablet, primary)) {
        Some(flaw) if reason.is_empty() => Some((EventReason::ProvisioningFailed, flaw.to_string())),
        Some(flaw) => Some((EventReason::ProvisioningFailed, format!("{flaw}; {reason}"))),
        None => Some((EventReason::ProvisioningDone, "it has a donor's data".to_owned())),
    }
}

#[cfg(test)]
mod tests;
