//! A database that an older version has left, with a row in every table it had: the newest version takes it over whole.

use std::path::Path;

use latchkey::store::Store;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection, migrate::Migrator};

use crate::world::database_url;

#[tokio::test]
async fn every_older_schema_is_brought_up_to_date_with_what_is_in_it() {
    let newest = Migrator::new(Path::new("migrations")).await.expect("the migrations");
    for version in 1..=newest.migrations.len() {
        let url = database_url().await;
        let mut old = Old::open(&url).await;
        let mut older = Migrator::new(Path::new("migrations")).await.expect("the migrations");
        older.migrations = newest.migrations.iter().take(version).cloned().collect();
        old.migrate(&older).await;
        let tables = old.tables().await;
        for table in &tables {
            old.fill(table).await;
        }
        let before = old.contents(&tables).await;
        let store = Store::connect(&url).await.expect("it opens");
        let missing = newest.migrations.len() - version;
        assert_eq!(store.pending_migrations().await.expect("read"), missing, "of version {version}");
        store.migrate().await.expect("it is brought up to date");
        assert_eq!(store.pending_migrations().await.expect("read"), 0, "of version {version}");
        store.close().await;
        assert_eq!(old.contents(&tables).await, before, "of version {version}");
    }
}

/// A connection by hand.
enum Old {
    Sqlite(Box<SqliteConnection>),
    Postgres(Box<PgConnection>),
}

struct Table {
    name: String,
    /// Name and type.
    columns: Vec<(String, String)>,
}

impl Old {
    async fn open(url: &str) -> Self {
        if url.starts_with("sqlite:") {
            let made = SqliteConnection::connect(&format!("{url}?mode=rwc")).await;
            Self::Sqlite(Box::new(made.expect("a new database")))
        } else {
            Self::Postgres(Box::new(PgConnection::connect(url).await.expect("a new database")))
        }
    }

    async fn migrate(&mut self, to: &Migrator) {
        let done = match self {
            Self::Sqlite(connection) => to.run(&mut **connection).await,
            Self::Postgres(connection) => to.run(&mut **connection).await,
        };
        done.expect("the older schema");
    }

    /// The first column of what a question is answered by.
    async fn texts(&mut self, sql: String) -> Vec<String> {
        let rows = match self {
            Self::Sqlite(connection) => sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut **connection).await,
            Self::Postgres(connection) => sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut **connection).await,
        };
        rows.expect("an answer")
    }

    async fn tables(&mut self) -> Vec<Table> {
        let (tables, columns) = match self {
            Self::Sqlite(_) => (
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%sqlx%'",
                "SELECT name || ' ' || type FROM pragma_table_info('{}')",
            ),
            Self::Postgres(_) => (
                "SELECT CAST(table_name AS TEXT) FROM information_schema.tables
                 WHERE table_schema = 'public' AND table_name NOT LIKE '%sqlx%'",
                "SELECT column_name || ' ' || data_type FROM information_schema.columns
                 WHERE table_schema = 'public' AND table_name = '{}' ORDER BY ordinal_position",
            ),
        };
        let mut found = Vec::new();
        for name in self.texts(tables.to_owned()).await {
            let columns = self.texts(columns.replace("{}", &name)).await.into_iter();
            let parts = |column: String| column.split_once(' ').map(|(name, kind)| (name.to_owned(), kind.to_owned()));
            found.push(Table { columns: columns.filter_map(parts).collect(), name });
        }
        assert!(!found.is_empty());
        found
    }

    /// A row whose every column holds something.
    async fn fill(&mut self, table: &Table) {
        let value = |(name, kind): &(String, String)| match kind.to_ascii_uppercase().as_str() {
            "TEXT" => format!("'{name} of then'"),
            "BIGINT" => "7".to_owned(),
            "BOOLEAN" => "TRUE".to_owned(),
            other => panic!("{}.{name} is of type {other}, which this test does not know", table.name),
        };
        let (name, columns, values) = (&table.name, &table.columns, &table.columns);
        let columns: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let values: Vec<String> = values.iter().map(value).collect();
        let (columns, values) = (columns.join(", "), values.join(", "));
        self.texts(format!("INSERT INTO {name} ({columns}) VALUES ({values}) RETURNING 'done'")).await;
    }

    /// What is in these columns of these tables.
    async fn contents(&mut self, tables: &[Table]) -> Vec<String> {
        let mut all = Vec::new();
        for Table { name, columns } in tables {
            let texts: Vec<String> = columns.iter().map(|(name, _)| format!("CAST({name} AS TEXT)")).collect();
            let row = texts.join(" || ' ' || ");
            let rows = self.texts(format!("SELECT '{name}: ' || {row} FROM {name} ORDER BY 1")).await;
            assert!(!rows.is_empty(), "{name} is empty");
            all.extend(rows);
        }
        all
    }
}
