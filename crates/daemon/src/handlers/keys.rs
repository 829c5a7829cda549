//! Keys. No answer ever holds one.

use contract::*;

use crate::app::App;

pub async fn set(app: &App, params: KeySetParams) -> Result<Key, Error> {
    let key = app.secrets.set(params).await?;
    app.hub.reload_all();
    Ok(key)
}

pub async fn list(app: &App) -> Result<KeyList, Error> {
    let keychain = match app.secrets.keychain().await {
        Ok(()) => "The system's keychain is open.".into(),
        Err(error) => error.message,
    };
    Ok(KeyList { keys: app.secrets.list().await?, keychain })
}

pub async fn remove(app: &App, params: KeyRef) -> Result<Empty, Error> {
    app.secrets.remove(&params.provider).await?;
    app.hub.reload_all();
    Ok(Empty {})
}

pub async fn unlock(app: &App, params: KeyUnlockParams) -> Result<KeyList, Error> {
    app.secrets.unlock(params.passphrase).await?;
    app.hub.reload_all();
    list(app).await
}
