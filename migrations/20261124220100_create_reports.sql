-- Readers' complaints about published comments; open until a moderator decides about the comment.
create table reports (
    id uuid primary key,
    site_id uuid not null,
    comment_id uuid not null,
    reason text not null,
    note text,
    -- Keyed hash of the comment and the reader's network, so that one network counts once; dropped with the site's
    -- network addresses.
    reporter_key bytea,
    at timestamptz not null,
    -- By whose decision, which may have left the comment as it was.
    settled_at timestamptz,
    settled_by uuid,
    constraint reports_site foreign key (site_id) references sites (id),
    constraint reports_comment foreign key (comment_id) references comments (id),
    constraint reports_settled_by foreign key (settled_by) references moderators (id),
    constraint reports_reason_known check (reason in ('spam', 'abuse', 'illegal', 'off_topic', 'other')),
    constraint reports_note_length check (char_length(note) between 1 and 1000),
    constraint reports_reporter_key_length check (octet_length(reporter_key) = 32),
    constraint reports_settled_whole check ((settled_at is null) = (settled_by is null))
);

create index reports_comment_id on reports (comment_id, id);
-- What is open: of a comment for its signal, of a site for the list of what was reported.
create unique index reports_open_once on reports (comment_id, reporter_key) where settled_at is null;
create index reports_open on reports (site_id, comment_id) where settled_at is null;
create index reports_reporters on reports (site_id, at, id) where reporter_key is not null;

-- The open reports of a comment by their reasons, as {"abuse": 2, "spam": 1}; null where there are none. Counts a thousand
-- at most.
create function open_reports(comment uuid) returns jsonb language sql stable as $$
    select jsonb_object_agg(n.reason, n.number)
    from (
        select r.reason, count(*) as number
        from (
            select o.reason
            from reports o
            where o.comment_id = comment and o.settled_at is null
            limit 1000
        ) r
        group by r.reason
    ) n
$$;
