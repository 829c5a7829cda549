//! The engines of this machine.

use contract::{EngineList, EngineTrial, EngineTryParams, Error};

use crate::app::App;
use crate::engines::{self, Ground};
use crate::trial;

/// Looks anew: whoever asks has perhaps just installed one, or logged in.
pub async fn list(app: &App) -> Result<EngineList, Error> {
    app.clis.forget(false).await;
    let ground = Ground::read(app).await?;
    let stands = ground.all(&app.clis).await;
    let engines = stands.iter().map(|stand| stand.info(&ground.settings)).collect();
    let ready = stands.iter().filter(|stand| stand.problem.is_none()).map(|stand| stand.name()).collect();
    if app.clis.is_news(ready) {
        // What follows from it is shown elsewhere.
        app.hub.reload_all();
    }
    Ok(EngineList { engines, confinement: engines::confinement(&ground.settings) })
}

pub async fn try_one(app: &App, params: EngineTryParams) -> Result<EngineTrial, Error> {
    let trial = trial::run(app, params).await?;
    app.hub.reload_all();
    Ok(trial)
}
