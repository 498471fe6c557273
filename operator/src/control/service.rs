//! What control answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::ids::{KeyspaceName, ShardRef, TabletAlias};
use proto::rpc::control::control_server::Control;
use proto::rpc::control::{
    ApplyVschemaRequest, ApplyVschemaResponse, Event, GetEventsRequest, GetEventsResponse,
    GetKeyspacesRequest, GetKeyspacesResponse, GetShardsRequest, GetShardsResponse, GetTabletsRequest,
    GetTabletsResponse, GetVschemaRequest, GetVschemaResponse, ReparentOutcome, ReparentProgress,
    ReparentRequest,
};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status};
use topo::records::EventObject;

use super::view::{View, unavailable};
use super::vschema;
use crate::events::{self, Feed};
use crate::limits::{MAX_EVENT_STREAMS, MAX_EVENTS, STREAM_QUEUE};
use crate::reach::Reach;
use crate::reparent::{self, Done, Progress, ReparentError, ReparentMeasures};

/// The gRPC service.
pub(super) struct Service {
    reach: Reach,
    view: View,
    tasks: TaskTracker,
    measures: ReparentMeasures,
    event_streams: Arc<Semaphore>,
    /// Ends the streams of events, which would otherwise keep an ending server waiting.
    shutdown: CancellationToken,
}

impl Service {
    /// What goes on after a call's answer has begun is tracked by `tasks`.
    pub(super) fn new(reach: Reach, tasks: TaskTracker, shutdown: CancellationToken) -> Self {
        Self {
            view: View::new(reach.clone()),
            reach,
            tasks,
            measures: ReparentMeasures::default(),
            event_streams: Arc::new(Semaphore::new(MAX_EVENT_STREAMS)),
            shutdown,
        }
    }
}

#[tonic::async_trait]
impl Control for Service {
    async fn get_keyspaces(
        &self,
        _: Request<GetKeyspacesRequest>,
    ) -> Result<Response<GetKeyspacesResponse>, Status> {
        Ok(Response::new(GetKeyspacesResponse { keyspaces: self.view.keyspaces().await? }))
    }

    async fn get_shards(
        &self,
        request: Request<GetShardsRequest>,
    ) -> Result<Response<GetShardsResponse>, Status> {
        let keyspace = named(&request.into_inner().keyspace)?;
        Ok(Response::new(GetShardsResponse { shards: self.view.shards(keyspace.as_ref()).await? }))
    }

    async fn get_tablets(
        &self,
        request: Request<GetTabletsRequest>,
    ) -> Result<Response<GetTabletsResponse>, Status> {
        let keyspace = named(&request.into_inner().keyspace)?;
        Ok(Response::new(GetTabletsResponse { tablets: self.view.tablets(keyspace.as_ref()).await? }))
    }

    type ReparentStream = ReceiverStream<Result<ReparentProgress, Status>>;

    async fn reparent(
        &self,
        request: Request<ReparentRequest>,
    ) -> Result<Response<Self::ReparentStream>, Status> {
        let ReparentRequest { keyspace, range, to } = request.into_inner();
        let shard = format!("{keyspace}/{range}").parse::<ShardRef>();
        let shard = shard.map_err(|error| Status::invalid_argument(error.to_string()))?;
        let to = Some(to).filter(|to| !to.is_empty()).map(|to| to.parse::<TabletAlias>()).transpose();
        let to = to.map_err(|error| Status::invalid_argument(error.to_string()))?;
        let (tell, told) = mpsc::channel(STREAM_QUEUE);
        // It goes on to its end when the one who asked is gone.
        let (reach, measures) = (self.reach.clone(), self.measures.clone());
        self.tasks.spawn(async move {
            measures.ended(&reparent_telling(reach, shard, to, tell).await);
        });
        Ok(Response::new(ReceiverStream::new(told)))
    }

    async fn get_events(
        &self,
        request: Request<GetEventsRequest>,
    ) -> Result<Response<GetEventsResponse>, Status> {
        let (object, limit) = wanted(request.into_inner())?;
        let events =
            events::latest(&self.reach.topology, object.as_ref(), limit).await.map_err(unavailable)?;
        Ok(Response::new(GetEventsResponse { events: events.into_iter().map(event).collect() }))
    }

    async fn get_vschema(
        &self,
        request: Request<GetVschemaRequest>,
    ) -> Result<Response<GetVschemaResponse>, Status> {
        let name = request.into_inner().keyspace.parse::<KeyspaceName>();
        let name = name.map_err(|error| Status::invalid_argument(error.to_string()))?;
        Ok(Response::new(vschema::get(&self.reach.topology, &name).await?))
    }

    async fn apply_vschema(
        &self,
        request: Request<ApplyVschemaRequest>,
    ) -> Result<Response<ApplyVschemaResponse>, Status> {
        Ok(Response::new(vschema::apply(&self.reach.topology, request.into_inner()).await?))
    }

    type WatchEventsStream = ReceiverStream<Result<Event, Status>>;

    async fn watch_events(
        &self,
        request: Request<GetEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        let (object, limit) = wanted(request.into_inner())?;
        let place = Arc::clone(&self.event_streams).try_acquire_owned().map_err(|_| {
            Status::resource_exhausted(format!(
                "control tells {MAX_EVENT_STREAMS} others of events already and takes no more; end one of those, or \
                 ask for the latest events without following them"
            ))
        })?;
        let mut feed = Feed::begin(self.reach.topology.clone(), object, limit).await.map_err(unavailable)?;
        let (tell, told) = mpsc::channel(STREAM_QUEUE);
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            let _place = place;
            loop {
                let next = tokio::select! {
                    next = feed.next() => next,
                    () = shutdown.cancelled() => return,
                    () = tell.closed() => return,
                };
                if tell.send(Ok(event(next))).await.is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(told)))
    }
}

/// Tells each step, and then the outcome or why there is none.
async fn reparent_telling(
    reach: Reach,
    shard: ShardRef,
    to: Option<TabletAlias>,
    tell: mpsc::Sender<Result<ReparentProgress, Status>>,
) -> Result<Done, ReparentError> {
    let began = Instant::now();
    let (progress, mut steps) = mpsc::channel(STREAM_QUEUE);
    let forwarding = async {
        while let Some(Progress { step, elapsed }) = steps.recv().await {
            // Whoever asked may be gone.
            let _ = tell.send(Ok(ReparentProgress { step, elapsed_ms: ms(elapsed), outcome: None })).await;
        }
    };
    let (done, ()) = tokio::join!(reparent::reparent(&reach, &shard, to.as_ref(), progress), forwarding);
    let last = match &done {
        Ok(Done { from, to, term, held }) => {
            let (from, to) = (from.to_string(), to.to_string());
            let outcome = ReparentOutcome { from, to, term: term.0, held_ms: ms(*held) };
            Ok(ReparentProgress {
                step: String::new(),
                elapsed_ms: ms(began.elapsed()),
                outcome: Some(outcome),
            })
        }
        Err(error @ ReparentError::Refused(_)) => Err(Status::failed_precondition(error.to_string())),
        Err(error @ ReparentError::Failed { .. }) => Err(Status::aborted(error.to_string())),
    };
    let _ = tell.send(last).await;
    done
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A keyspace name of a request; empty: none.
fn named(name: &str) -> Result<Option<KeyspaceName>, Status> {
    if name.is_empty() {
        return Ok(None);
    }
    let typed = name.parse::<KeyspaceName>();
    typed.map(Some).map_err(|error| Status::invalid_argument(error.to_string()))
}

/// Which events a request asks for, and how many of them.
fn wanted(request: GetEventsRequest) -> Result<(Option<EventObject>, usize), Status> {
    let GetEventsRequest { limit, object } = request;
    let object = match object.as_str() {
        "" => None,
        name => Some(name.parse::<EventObject>().map_err(Status::invalid_argument)?),
    };
    let limit = if limit == 0 { MAX_EVENTS } else { limit.into() };
    Ok((object, usize::try_from(limit).unwrap_or(usize::MAX)))
}

fn event(event: events::Event) -> Event {
    Event {
        sequence: event.sequence,
        at_ms: event.record.at_ms,
        object: event.record.object.to_string(),
        reason: event.record.reason.to_string(),
        observation: event.record.observation,
    }
}
