//! Events: pages and subscriptions.

use std::sync::Arc;

use contract::*;

use crate::app::App;
use crate::feeds;
use crate::service::Connection;

pub async fn list(app: &App, params: EventListParams) -> Result<EventPage, Error> {
    app.store.read(move |db| db.job(params.job_id)).await?;
    Ok(app.store.read(move |db| db.events(&params)).await?)
}

pub async fn subscribe(app: &App, conn: &Arc<Connection>, params: EventSubscribeParams) -> Result<Subscription, Error> {
    app.store.read(move |db| db.job(params.job_id)).await?;
    let (subscription, end) = conn.state.subscribe()?;
    tokio::spawn(feeds::events(app.clone(), conn.clone(), params, subscription, end));
    Ok(Subscription { subscription })
}
