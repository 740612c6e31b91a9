//! CloudWeGo's Volo serving volo.thrift: unframed, framed, TTHeader and both, on one port. Results that are no echo are
//! those of the Python server, but for what only TTHeader carries.
mod gen {
    #![allow(warnings)]
    include!(concat!(env!("OUT_DIR"), "/volo_gen.rs"));
}

use std::sync::Mutex;

use gen::volo_gen::types::*;
use gen::volo_gen::volo::{VoloSvc, VoloSvcServer};
use metainfo::{Backward, Forward, METAINFO};
use pilota::{AHashMap, AHashSet, Bytes, FastStr};
use volo::context::Context;
use volo_thrift::codec::default::{framed::HasFramed, ttheader::HasTTHeader};
use volo_thrift::{context::ServerContext, BizError, MaybeException, ServerError};

type Answer<T> = Result<T, ServerError>;
type Texts = AHashMap<FastStr, FastStr>;

/// Hands what the call's context knows to the handler, which sees the metainfo only.
#[derive(Clone)]
struct ShowContext;

#[derive(Clone)]
struct Shown<S>(S);

impl<S> volo::layer::Layer<S> for ShowContext {
    type Service = Shown<S>;

    fn layer(self, inner: S) -> Shown<S> {
        Shown(inner)
    }
}

impl<S, Req> volo::service::Service<ServerContext, Req> for Shown<S>
where
    S: volo::service::Service<ServerContext, Req> + Send + Sync + 'static,
    Req: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;

    async fn call(&self, context: &mut ServerContext, request: Req) -> Result<S::Response, S::Error> {
        let info = context.rpc_info();
        let known = [
            ("context.method", info.method().to_string()),
            ("context.from", info.caller().service_name().to_string()),
            ("context.to", info.callee().service_name().to_string()),
            ("context.timeout_ms", info.config().rpc_timeout().map_or(String::new(), |t| t.as_millis().to_string())),
            ("context.ttheader", context.extensions().contains::<HasTTHeader>().to_string()),
            ("context.framed", context.extensions().contains::<HasFramed>().to_string()),
        ];
        METAINFO.with(|all| {
            let mut all = all.borrow_mut();
            for (key, value) in known {
                all.insert_string(FastStr::new(key), FastStr::new(value));
            }
        });
        self.0.call(context, request).await
    }
}

#[derive(Default)]
struct Handler {
    texts: Mutex<Vec<FastStr>>,
}

macro_rules! echo {
    ($($name:ident: $type:ty),*) => { $(async fn $name(&self, value: $type) -> Answer<$type> { Ok(value) })* };
}

impl VoloSvc for Handler {
    echo! {
        echo_scalars: Scalars, echo_presence: Presence, echo_lists: Lists, echo_sets: Sets, echo_maps: Maps,
        echo_shape: Shape, echo_tree: Tree, echo_sparse: Sparse, echo_everything: Everything, echo_empty: Empty,
        echo_bool: bool, echo_i8: i8, echo_i16: i16, echo_i32: i32, echo_i64: i64, echo_double: f64,
        echo_string: FastStr, echo_binary: Bytes, echo_color: Color, echo_list: Vec<i32>,
        echo_set: AHashSet<FastStr>, echo_map: AHashMap<FastStr, i64>
    }

    async fn ping(&self) -> Answer<FastStr> {
        Ok("pong".into())
    }

    async fn nothing(&self) -> Answer<()> {
        Ok(())
    }

    async fn join(&self, first: FastStr, second: FastStr, times: i32) -> Answer<FastStr> {
        Ok(format!("{first}{second}").repeat(times as usize).into())
    }

    async fn add(&self, a: i64, b: i64) -> Answer<i64> {
        a.checked_add(b).ok_or_else(|| anyhow::anyhow!("too large").into())
    }

    async fn find(&self, id: Id) -> Answer<MaybeException<Scalars, TypesSvcFindException>> {
        if id.0 == 0 {
            let missing = NotFound { what: Some("number 0".into()), code: Some(404) };
            return Ok(MaybeException::Exception(TypesSvcFindException::Missing(missing)));
        }
        if id.0 < 0 {
            let details = vec![id.0.to_string().into(), "\"<0\"".into()];
            let refused = Refused { why: Some("negative".into()), details: Some(details) };
            return Ok(MaybeException::Exception(TypesSvcFindException::Refused(refused)));
        }
        let bytes = Bytes::from_static(b"\0\xff");
        let found = Scalars {
            id: Some(id), text: Some("found".into()), bytes: Some(bytes), color: Some(Color::BLUE), ..Default::default()
        };
        Ok(MaybeException::Ok(found))
    }

    async fn touch(&self, id: Id) -> Answer<MaybeException<(), TypesSvcTouchException>> {
        if id.0 == 0 {
            let missing = NotFound { what: Some("nothing to touch".into()), code: Some(-1) };
            return Ok(MaybeException::Exception(TypesSvcTouchException::Missing(missing)));
        }
        Ok(MaybeException::Ok(()))
    }

    async fn combine(&self, mut whole: Everything, scalars: Scalars, lists: Lists) -> Answer<Everything> {
        whole.scalars = Some(scalars);
        whole.lists = Some(lists);
        Ok(whole)
    }

    async fn reset(&self) -> Answer<()> {
        self.texts.lock().unwrap().clear();
        Ok(())
    }

    async fn notify(&self, text: FastStr) -> Answer<()> {
        self.texts.lock().unwrap().push(text);
        Ok(())
    }

    async fn notified(&self) -> Answer<Vec<FastStr>> {
        Ok(self.texts.lock().unwrap().clone())
    }

    async fn about(&self) -> Answer<Texts> {
        let mut out = Texts::default();
        METAINFO.with(|all| {
            let mut all = all.borrow_mut();
            for (kind, found) in [("persistent", all.get_all_persistents()), ("transient", all.get_all_upstreams())] {
                for (key, value) in found.into_iter().flatten() {
                    out.insert(format!("{kind}.{key}").into(), value.clone());
                }
            }
            for key in ["method", "from", "to", "timeout_ms", "ttheader", "framed"] {
                let value = all.get_string(&format!("context.{key}")).cloned();
                out.insert(key.into(), value.unwrap_or_default());
            }
            all.set_backward_transient("BACK", "from volo");
        });
        Ok(out)
    }

    async fn refuse(&self, status: i32, message: FastStr, extra: Texts) -> Answer<()> {
        if extra.is_empty() {
            return Err(BizError::new(status, message).into());
        }
        Err(BizError::with_extra(status, message, extra).into())
    }
}

#[tokio::main]
async fn main() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening on {}", listener.local_addr().unwrap());
    let incoming = volo::net::incoming::DefaultIncoming::from(listener);
    VoloSvcServer::new(Handler::default()).layer_front(ShowContext).run(incoming).await.unwrap();
}
