//! /c7: the client is in that channel, and what it sends goes there; /join/c1/c2: it is in those, and the first word of what it
//! sends is the channel it goes to; /echo: it comes back. tokio-tungstenite on one thread, a queue per connection.
use futures_util::{SinkExt, StreamExt};
use std::{cell::RefCell, collections::HashMap, rc::Rc};
use tokio::{net::{TcpListener, TcpStream}, sync::mpsc, task};
use tokio_tungstenite::{accept_hdr_async, tungstenite::{handshake::server::{Request, Response}, Message}};

type Channels = Rc<RefCell<HashMap<String, HashMap<u64, mpsc::UnboundedSender<Message>>>>>;

async fn serve(stream: TcpStream, id: u64, channels: Channels) {
    let _ = stream.set_nodelay(true);
    let mut path = String::new();
    #[allow(clippy::result_large_err)]
    let Ok(ws) = accept_hdr_async(stream, |req: &Request, resp: Response| { path = req.uri().path().to_string(); Ok(resp) }).await else { return };
    let (mut sink, mut source) = ws.split();
    if path == "/echo" {
        while let Some(Ok(m)) = source.next().await {
            if (m.is_text() || m.is_binary()) && sink.send(m).await.is_err() { return; }
        }
        return;
    }
    let (tx, mut rx) = mpsc::unbounded_channel::<Message>();
    let many = path.starts_with("/join");
    let joined: Vec<String> = if many { path.split('/').skip(2).map(String::from).collect() } else { vec![path.clone()] };
    for channel in &joined {
        channels.borrow_mut().entry(channel.clone()).or_default().insert(id, tx.clone());
    }
    drop(tx);
    task::spawn_local(async move {
        while let Some(m) = rx.recv().await {
            if sink.feed(m).await.is_err() { return; }
            while let Ok(m) = rx.try_recv() { if sink.feed(m).await.is_err() { return; } }
            if sink.flush().await.is_err() { return; }
        }
    });
    while let Some(Ok(m)) = source.next().await {
        if m.is_text() || m.is_binary() {
            let channel = if many { m.to_text().unwrap_or("").split(' ').next().unwrap_or("") } else { path.as_str() };
            let channels = channels.borrow();
            for tx in channels.get(channel).into_iter().flat_map(|members| members.values()) { let _ = tx.send(m.clone()); }
        }
    }
    for channel in &joined {
        channels.borrow_mut().get_mut(channel).unwrap().remove(&id);
    }
}

fn main() {
    let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = task::LocalSet::new();
    local.block_on(&rt, async {
        let listener = TcpListener::bind(format!("127.0.0.1:{}", std::env::args().nth(1).unwrap())).await.unwrap();
        let channels: Channels = Default::default();
        let mut id = 0;
        loop {
            if let Ok((stream, _)) = listener.accept().await { id += 1; task::spawn_local(serve(stream, id, channels.clone())); }
        }
    });
}
