//! Something became of a swap.

use domain::{
    SwapId,
    notice::{SwapStep, Withheld},
    schedule::{Swap, SwapStatus},
};

use super::{
    super::{compose::Said, words::name},
    Desk, On,
};

impl Desk<'_> {
    pub(super) fn swap_changed(&self, on: &On<'_>, id: SwapId, step: SwapStep) -> Result<Said, Withheld> {
        let swap = on.schedule.find_swap(id).ok_or(Withheld::Unchanged)?;
        if !stands(swap, step) {
            // What came of it since is told by itself.
            return Err(Withheld::Superseded);
        }
        if step == SwapStep::Requested && swap.give.end <= self.now {
            return Err(Withheld::TooLate);
        }
        let schedule = &on.name;
        let summary = self.summary(swap, step, schedule);
        let mut facts = vec![("Schedule", schedule.clone()), ("From", name(self.directory, swap.from))];
        let other = swap.taken_by().or(swap.to).map(|user| name(self.directory, user));
        facts.push(("To", other.unwrap_or_else(|| "whoever takes it".to_owned())));
        facts.push(("When", self.reader.span(swap.give)));
        facts.extend(swap.take.map(|take| ("In return for", self.reader.span(take))));
        facts.extend(Some(&swap.reason).filter(|why| !why.is_empty()).map(|why| ("Because", why.clone())));
        facts.push(self.zone_fact());
        let subject = match step {
            SwapStep::Requested => format!("A swap is asked for: {schedule}"),
            SwapStep::Expired => format!("Nobody took the shift over: {schedule}"),
            step => format!("A swap was {}: {schedule}", step.word()),
        };
        Ok(Said {
            subject,
            summary,
            facts,
            lists: vec![],
            start: Some(swap.give.start),
            end: Some(swap.give.end),
        })
    }

    fn summary(&self, swap: &Swap, step: SwapStep, schedule: &str) -> String {
        let mine = self.matter.user == swap.from;
        let asker = if mine { "You".to_owned() } else { name(self.directory, swap.from) };
        let other = swap.taken_by().or(swap.to);
        let it_is_me = other == Some(self.matter.user);
        let taker = match other {
            Some(_) if it_is_me => "you".to_owned(),
            Some(user) => name(self.directory, user),
            None => "somebody".to_owned(),
        };
        let ask = if mine { "asked" } else { "asks" };
        let (has, whose) = if mine { ("have", "your") } else { ("has", "their") };
        let first = |words: &str| {
            let mut letters = words.chars();
            letters.next().map_or(String::new(), |one| one.to_uppercase().chain(letters).collect())
        };
        match step {
            SwapStep::Requested => format!("{asker} {ask} {taker} to take over a shift in {schedule}."),
            SwapStep::Accepted => {
                let verb = if it_is_me { "take" } else { "takes" };
                let whom = if mine { "you".to_owned() } else { asker };
                format!("{} {verb} over a shift in {schedule} from {whom}.", first(&taker))
            }
            SwapStep::Declined => {
                let verb = if it_is_me { "do" } else { "does" };
                let whose = if mine { "Your shift stays yours." } else { "" };
                format!("{} {verb} not take over a shift in {schedule}. {whose}", first(&taker))
                    .trim()
                    .to_owned()
            }
            SwapStep::Withdrawn => {
                format!(
                    "{asker} {has} withdrawn {whose} request to {taker} to take over a shift in {schedule}."
                )
            }
            SwapStep::Undone => {
                let whom = if mine { "you".to_owned() } else { asker };
                format!(
                    "The swap by which {taker} took over a shift in {schedule} from {whom} was undone: \
                     from now on it is as if there had been none."
                )
            }
            SwapStep::Expired => {
                format!(
                    "{asker} {has} asked {taker} to take over a shift in {schedule}, and the time has passed without an answer."
                )
            }
        }
    }
}

/// Whether a step is the last that a swap took.
const fn stands(swap: &Swap, step: SwapStep) -> bool {
    matches!(
        (swap.status, step),
        (SwapStatus::Open, SwapStep::Requested | SwapStep::Expired)
            | (SwapStatus::Accepted { .. }, SwapStep::Accepted)
            | (SwapStatus::Declined { .. }, SwapStep::Declined)
            | (SwapStatus::Withdrawn { .. }, SwapStep::Withdrawn)
            | (SwapStatus::Undone { .. }, SwapStep::Undone)
    )
}
