//! A company's journal.

use contract::*;

use crate::app::App;
use crate::companies;

pub async fn list(app: &App, params: JournalListParams) -> Result<JournalPage, Error> {
    let company_id = companies::resolve(app, params.company).await?.company_id;
    let JournalListParams { search, before, limit, .. } = params;
    let page = move |db: &store::Read<'_>| db.journal(company_id, search.as_deref(), before, limit);
    Ok(app.store.read(page).await?)
}
