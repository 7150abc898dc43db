-- Decisions of each finished day (UTC), by site, moderator and what was decided.
create table daily_decisions (
    day date not null,
    site_id uuid not null,
    moderator_id uuid not null,
    to_status text not null,
    decided integer not null,
    primary key (day, site_id, moderator_id, to_status),
    constraint daily_decisions_site foreign key (site_id) references sites (id),
    constraint daily_decisions_moderator foreign key (moderator_id) references moderators (id)
);

-- How long comments of a site waited for their first decision, by the day of that decision (UTC).
create table daily_waits (
    day date not null,
    site_id uuid not null,
    decided integer not null,
    median_seconds integer not null,
    primary key (day, site_id),
    constraint daily_waits_site foreign key (site_id) references sites (id)
);
