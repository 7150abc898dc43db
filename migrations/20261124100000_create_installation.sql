-- What belongs to the installation as a whole. Exactly one row.
create table installation (
    singleton boolean primary key default true,
    -- The server's secret, made at the first start where no setting gives one. Subkeys are derived from it.
    secret bytea,
    -- Binaries whose newest migration is older than this one can't work with the schema and refuse to start.
    oldest_binary bigint not null,
    constraint installation_singleton check (singleton),
    constraint installation_secret_length check (secret is null or octet_length(secret) >= 32)
);

insert into installation (oldest_binary) values (20261124100000);
