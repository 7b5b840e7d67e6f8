//! The log in memory, for tests.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use domain::{SecretId, Timestamp};
use futures::future::{BoxFuture, FutureExt, ready};
use uuid::Uuid;

use crate::{
    Committed, Filter, Lease, Position, Recorded,
    backend::{Answer, Backend, Outcome, PAGE_BYTES, Page},
    growth::Growth,
    hash::{GENESIS, Hash},
    leases::decide,
    prepare::Prepared,
    queue::Queue,
    row::Row,
};

/// Starts an empty log and its committer.
pub(crate) fn open(queue: Arc<Queue>, growth: Arc<Growth>) -> Arc<dyn Backend> {
    let memory = Arc::new(Memory::default());
    let committer = Arc::clone(&memory);
    thread::spawn(move || {
        let _ends = queue.until_committer_ends();
        while let Some(group) = queue.take_blocking() {
            let outcomes = committer.log().commit(group.appends());
            group.settle(Ok(outcomes), &growth);
        }
    });
    memory
}

#[derive(Debug, Default)]
struct Memory {
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    events: Vec<Arc<Recorded>>,
    streams: HashMap<Arc<str>, Vec<Position>>,
    receipts: HashMap<Uuid, Committed>,
    secrets: HashMap<Uuid, Vec<u8>>,
    vault_key: Option<[u8; 32]>,
    leases: HashMap<String, Lease>,
}

impl Memory {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn commit(&mut self, appends: &[Prepared]) -> Vec<Outcome> {
        appends.iter().map(|append| self.place(append)).collect()
    }

    fn place(&mut self, append: &Prepared) -> Outcome {
        if let Some(first) = self.receipts.get(&append.metadata.command_id) {
            return Outcome::Already(*first);
        }
        let actual = self.streams.get(&append.stream).map_or(0, |positions| positions.len() as u64);
        if actual != append.expected {
            return Outcome::Conflict { actual };
        }
        let first = self.head().0 + 1;
        let events = append.recorded(first, self.head().1);
        self.receipts.insert(append.metadata.command_id, append.committed_at(first));
        let positions = self.streams.entry(Arc::clone(&append.stream)).or_default();
        positions.extend(events.iter().map(|event| event.position));
        self.events.extend(events.iter().cloned());
        Outcome::Written(events)
    }

    fn head(&self) -> (Position, Hash) {
        self.events.last().map_or((0, GENESIS), |event| (event.position, event.hash))
    }

    fn get(&self, position: Position) -> Option<&Arc<Recorded>> {
        usize::try_from(position.checked_sub(1)?).ok().and_then(|index| self.events.get(index))
    }

    fn after(&self, position: Position) -> impl Iterator<Item = &Arc<Recorded>> {
        self.events.iter().skip(usize::try_from(position).unwrap_or(usize::MAX))
    }

    fn read(&self, after: Position, limit: usize, filter: &Filter) -> Page {
        let mut page = Page { events: Vec::new(), through: after };
        let mut bytes = 0;
        for event in self.after(after) {
            if page.events.len() >= limit || bytes >= PAGE_BYTES {
                break;
            }
            if filter.admits(event.category()) {
                bytes += event.payload.len();
                page.events.push(Recorded::clone(event));
            }
            page.through = event.position;
        }
        page
    }
}

impl Backend for Memory {
    fn is_alone(&self) -> bool {
        true
    }

    fn load<'a>(&'a self, stream: &'a str, from_version: u64) -> Answer<'a, Vec<Recorded>> {
        let log = self.log();
        let positions = log.streams.get(stream).map_or(&[][..], Vec::as_slice);
        let skipped = usize::try_from(from_version).unwrap_or(usize::MAX);
        let newer = positions.iter().skip(skipped).filter_map(|position| log.get(*position));
        answer(newer.map(|event| Recorded::clone(event)).collect())
    }

    fn read<'a>(&'a self, after: Position, limit: usize, filter: &'a Filter) -> Answer<'a, Page> {
        answer(self.log().read(after, limit, filter))
    }

    fn at<'a>(&'a self, positions: &'a [Position]) -> Answer<'a, Vec<Recorded>> {
        let log = self.log();
        let found = positions.iter().filter_map(|position| log.get(*position));
        answer(found.map(|event| Recorded::clone(event)).collect())
    }

    fn rows(&self, after: Position, limit: usize) -> Answer<'_, Vec<Row>> {
        let log = self.log();
        ready(log.after(after).take(limit).map(|event| Row::encode(event)).collect()).boxed()
    }

    fn head(&self) -> Answer<'_, (Position, Hash)> {
        answer(self.log().head())
    }

    fn put_secret(&self, id: SecretId, sealed: Vec<u8>) -> Answer<'_, ()> {
        self.log().secrets.insert(id.uuid(), sealed);
        answer(())
    }

    fn secret(&self, id: SecretId) -> Answer<'_, Option<Vec<u8>>> {
        answer(self.log().secrets.get(&id.uuid()).cloned())
    }

    fn vault_key(&self, candidate: [u8; 32]) -> Answer<'_, [u8; 32]> {
        answer(*self.log().vault_key.get_or_insert(candidate))
    }

    fn acquire<'a>(
        &'a self,
        name: &'a str,
        owner: Uuid,
        now: Timestamp,
        ttl: Duration,
    ) -> Answer<'a, Option<Lease>> {
        let mut log = self.log();
        let lease = decide(log.leases.get(name), name, owner, now, ttl);
        if let Some(lease) = &lease {
            log.leases.insert(name.to_owned(), lease.clone());
        }
        answer(lease)
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> Answer<'a, ()> {
        if let Some(held) = self.log().leases.get_mut(&lease.name)
            && held.owner == lease.owner
            && held.epoch == lease.epoch
        {
            held.until = Timestamp::from_millis(0);
        }
        answer(())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }
}

fn answer<'a, T: Send + 'a>(value: T) -> Answer<'a, T> {
    ready(Ok(value)).boxed()
}
