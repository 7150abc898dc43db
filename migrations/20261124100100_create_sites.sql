-- A publication whose pages carry comments, with its policy.
create table sites (
    id uuid primary key,
    slug text not null,
    name text not null,
    -- The web origins whose pages belong to the site; none: loopback origins only.
    origins text[] not null default '{}',
    -- What is held for a moderator: everything, first-time authors, or what signals flag.
    hold text not null default 'all',
    -- Whether a page comes into being with its first comment, or only by registration.
    pages text not null default 'open',
    max_links smallint not null default 2,
    edit_window_minutes integer not null default 15,
    close_after_days integer,
    ip_retention_days integer not null default 30,
    spam_retention_days integer not null default 30,
    after_form text not null default 'status',
    created_at timestamptz not null,
    constraint sites_slug_unique unique (slug),
    constraint sites_slug_form check (slug ~ '^[a-z0-9](-?[a-z0-9]){0,39}$'),
    constraint sites_name_length check (char_length(name) between 1 and 100),
    constraint sites_origins_count check (cardinality(origins) <= 100),
    constraint sites_hold_known check (hold in ('all', 'first_time', 'flagged')),
    constraint sites_pages_known check (pages in ('open', 'registered')),
    constraint sites_max_links_bound check (max_links between 0 and 100),
    constraint sites_edit_window_bound check (edit_window_minutes between 0 and 10080),
    constraint sites_close_after_bound check (close_after_days between 1 and 36500),
    constraint sites_ip_retention_bound check (ip_retention_days between 0 and 3650),
    constraint sites_spam_retention_bound check (spam_retention_days between 1 and 3650),
    constraint sites_after_form_known check (after_form in ('status', 'article'))
);

-- An article (or anything with an address) that carries comments.
create table pages (
    id uuid primary key,
    site_id uuid not null,
    -- The normalised address, as shown.
    url text not null,
    -- Host, path and what remains of the query: pages are the same when this is equal.
    url_key text not null,
    -- The publisher's own id.
    key text,
    title text,
    comments_open boolean not null default true,
    -- The only stored counter: published comments. Changes in the statement that changes the published set.
    comment_count integer not null default 0,
    -- Raised with every change of what the page shows.
    version bigint not null default 1,
    -- When the article was published, if the publisher said so; closing by age counts from it.
    published_at timestamptz,
    first_comment_at timestamptz,
    created_at timestamptz not null,
    constraint pages_site foreign key (site_id) references sites (id),
    constraint pages_url_unique unique (site_id, url_key),
    constraint pages_url_length check (char_length(url) between 1 and 2048),
    constraint pages_key_length check (char_length(key) between 1 and 200),
    constraint pages_title_length check (char_length(title) between 1 and 300),
    constraint pages_count_not_negative check (comment_count >= 0)
);

create unique index pages_key_unique on pages (site_id, key) where key is not null;
