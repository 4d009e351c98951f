//! What the core wants, done.

use std::{path::Path, sync::Arc, time::Instant};

use libp2p::{gossipsub::MessageAcceptance, request_response::InboundRequestId};

use super::{FAREWELL, Sent, Task};
use crate::{
    core::{Action, Address, Event, GossipId, Notice, Peer, Reason, RequestId, Verdict},
    driver::{
        News, NodeAddress,
        address::tcp,
        book,
        codec::Versioned,
        dialling::{Dial, LookedUp},
        errands::Done,
    },
    message::{self, Request, Response, VERSIONS},
};

impl Task {
    /// Everything the core wants done by now.
    pub(super) fn act(&mut self) {
        while let Some(action) = self.core.next_action() {
            match action {
                Action::Dial(address) => self.dial(address),
                Action::Disconnect(peer) => self.disconnect(peer),
                Action::Ask { peer, id, request } => self.ask(peer, id, request),
                Action::Answer { id, response, .. } => self.answer(id, response, Sent::alone()),
                Action::Serve { peer, id, wanted } => self.errands.serve(peer, id, wanted),
                Action::Judge { errand, blocks } => self.errands.judge(errand, blocks),
                Action::Take { errand, transfers } => self.errands.take(errand, transfers),
                Action::Rebuild { errand, compact } => self.errands.rebuild(errand, compact),
                Action::Fill { errand, transactions } => self.errands.fill(errand, transactions),
                Action::Drop(errand) => self.errands.forget(errand),
                Action::Publish(transfers) => self.publish(&transfers),
                Action::Judged(id, verdict) => self.judged(id, verdict),
                Action::SaveAddresses => {
                    tokio::spawn(self.save_addresses());
                }
                Action::Tell(notice) => self.notice(notice),
            }
        }
    }

    /// What was done elsewhere.
    pub(super) fn done(&mut self, done: Done) {
        match done {
            Done::Event(event) => self.tell(event),
            Done::Answer(peer, id, response, room) => self.answer(
                id,
                response,
                Sent {
                    served: Some(peer),
                    _room: room,
                },
            ),
        }
    }

    fn ask(&mut self, peer: Peer, id: RequestId, message: Request) {
        let version = self.core.version_with(peer);
        let is_farewell = matches!(message, Request::Farewell(_));
        match self.lines.id(peer) {
            Some(to) => {
                let number = self
                    .swarm
                    .behaviour_mut()
                    .sync
                    .send_request(&to, Versioned { version, message });
                self.asked.insert(number, (peer, id));
                if let (true, Some(line)) = (is_farewell, self.lines.get_mut(&to)) {
                    line.farewell = Some(number);
                }
            }
            None => self.tell(Event::Unanswered { peer, id }),
        }
    }

    fn answer(&mut self, id: RequestId, message: Response, sent: Sent) {
        let served = sent.served;
        let Some(question) = self.questions.remove(&id) else {
            // It does not wait for it any more.
            if let Some(peer) = served {
                self.tell(Event::Served(peer));
            }
            return;
        };
        self.numbers.remove(&question.id);
        let version = self.core.version_with(question.of);
        let answer = Versioned { version, message };
        let sync = &mut self.swarm.behaviour_mut().sync;
        match sync.send_response(question.channel, answer) {
            Ok(()) => {
                self.sent.insert(question.id, sent);
                if let Some(line) = self.lines.get_mut(&question.peer) {
                    line.answers += 1;
                }
            }
            Err(_) => {
                if let Some(peer) = served {
                    self.tell(Event::Served(peer));
                }
            }
        }
    }

    /// An answer was sent, or will never be.
    pub(super) fn was_sent(&mut self, peer: &libp2p::PeerId, id: InboundRequestId) {
        if let Some(number) = self.numbers.remove(&id) {
            self.questions.remove(&number);
        }
        let Some(sent) = self.sent.remove(&id) else {
            return;
        };
        if let Some(line) = self.lines.get_mut(peer) {
            line.answers = line.answers.saturating_sub(1);
        }
        self.may_hang_up(peer);
        if let Some(peer) = sent.served {
            self.tell(Event::Served(peer));
        }
    }

    /// Hangs up, after what was said last has been heard.
    fn disconnect(&mut self, peer: Peer) {
        let Some(id) = self.lines.id(peer) else {
            return;
        };
        if let Some(line) = self.lines.get_mut(&id) {
            line.hang_up_at = Some(Instant::now() + FAREWELL);
        }
        self.may_hang_up(&id);
    }

    /// Hangs up on a peer that is to go and has heard everything.
    pub(super) fn may_hang_up(&mut self, id: &libp2p::PeerId) {
        let Some(line) = self.lines.get_mut(id) else {
            return;
        };
        if line.hang_up_at.is_some() && line.answers == 0 && line.farewell.is_none() {
            let _ = self.swarm.disconnect_peer_id(*id); // it may have gone by itself
        }
    }

    fn publish(&mut self, transfers: &[paydirt_ledger::Identified]) {
        let transfers = transfers.iter().map(paydirt_ledger::Identified::transaction);
        let bytes = message::encode_transfers(VERSIONS.least, transfers);
        let topic = self.names.transfers.hash();
        if let Err(error) = self.swarm.behaviour_mut().gossip.publish(topic, bytes) {
            // Nobody is there, or they have it: who comes asks for what waits.
            tracing::debug!(%error, "transfers were not passed on");
        }
    }

    fn judged(&mut self, id: GossipId, verdict: Verdict) {
        let Some((message, from)) = self.gossip.remove(&id) else {
            return;
        };
        let acceptance = match verdict {
            Verdict::Accept => MessageAcceptance::Accept,
            Verdict::Reject => MessageAcceptance::Reject,
            Verdict::Ignore => MessageAcceptance::Ignore,
        };
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        gossip.report_message_validation_result(&message, &from, acceptance);
    }

    fn dial(&mut self, address: Address) {
        let parsed = address.parse::<NodeAddress>();
        let given = self.given.contains(&address);
        let parsed = match parsed {
            // What strangers say is asked of nobody's name servers.
            Ok(parsed) if parsed.port() > 0 && (given || !parsed.is_named()) => parsed,
            _ => {
                let is_self = false;
                self.tell(Event::DialFailed { address, is_self });
                return;
            }
        };
        let found = self.looked_up.0.clone();
        tokio::spawn(async move {
            let found_up = LookedUp {
                address,
                expected: parsed.identity(),
                places: parsed
                    .resolve()
                    .await
                    .map(|places| places.into_iter().map(tcp).collect()),
            };
            let _ = found.send(found_up); // the task may have stopped
        });
    }

    /// A name was looked up; numbers are their own.
    pub(super) fn found(&mut self, found: LookedUp) {
        let LookedUp {
            address,
            expected,
            places,
        } = found;
        let rest = places.unwrap_or_else(|error| {
            tracing::debug!(%address, %error, "a name was not found");
            Vec::new()
        });
        self.try_next(Dial {
            address,
            expected,
            rest,
        });
    }

    /// Dials the next number, or tells the core that none is left.
    pub(super) fn try_next(&mut self, dial: Dial) {
        let mut dial = dial;
        loop {
            let (address, expected, rest) = (Address::clone(&dial.address), dial.expected, dial.rest.clone());
            match self.dials.next(dial) {
                Err(address) => {
                    if self.given.contains(&address) && self.silent.insert(Address::clone(&address)) {
                        tracing::info!(%address, "no node answers there; it is tried again");
                    }
                    let is_self = false;
                    return self.tell(Event::DialFailed { address, is_self });
                }
                Ok(options) => {
                    let connection = options.connection_id();
                    let Err(error) = self.swarm.dial(options) else {
                        return;
                    };
                    tracing::debug!(%address, %error, "not dialled");
                    self.dials.ended(connection);
                    let rest = rest.into_iter().skip(1).collect();
                    dial = Dial {
                        address,
                        expected,
                        rest,
                    };
                }
            }
        }
    }

    /// Writes the address book, one writing after the other.
    pub(super) fn save_addresses(&self) -> impl Future<Output = ()> + Send + use<> {
        let (folder, entries, saving) = (
            self.folder.clone(),
            self.core.address_book(),
            Arc::clone(&self.saving),
        );
        async move {
            let Some(folder) = folder else {
                return;
            };
            let _until_written = saving.lock().await;
            let written =
                tokio::task::spawn_blocking(move || book::write(Path::new(&folder), &entries)).await;
            if let Ok(Err(error)) = written {
                tracing::warn!(%error, "the address book cannot be written");
            }
        }
    }

    fn notice(&mut self, notice: Notice) {
        if let Notice::TurnedAway {
            address,
            reason: Reason::OtherGenesis(genesis),
        } = notice
        {
            return self.news(News::OtherGenesis { address, genesis });
        }
        self.outbox.set_has_peers(!self.core.peers().is_empty());
        self.news(News::Core(notice));
    }
}

impl Sent {
    fn alone() -> Self {
        Self {
            served: None,
            _room: None,
        }
    }
}
