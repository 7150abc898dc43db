alter table sites
    -- Whether the default reasons have been made, so that ones which were deleted don't come back.
    add column reasons_made boolean not null default false,
    -- Network addresses and user agents of comments submitted until then have been dropped.
    add column addresses_dropped_until timestamptz;

alter table pages
    -- The id of the article in WordPress (`comment_post_ID`).
    add column wordpress_id bigint,
    -- The page that this one was merged into. Its comments move there; its addresses lead there at once.
    add column merged_into uuid,
    add constraint pages_wordpress_id_positive check (wordpress_id > 0),
    add constraint pages_merged_into foreign key (merged_into) references pages (id),
    add constraint pages_not_merged_into_itself check (merged_into <> id);

create unique index pages_wordpress_id_unique on pages (site_id, wordpress_id) where wordpress_id is not null;

-- Further addresses of a page: those of pages that were merged into it.
create table page_aliases (
    site_id uuid not null,
    url_key text not null,
    url text not null,
    page_id uuid not null,
    created_at timestamptz not null,
    primary key (site_id, url_key),
    constraint page_aliases_site foreign key (site_id) references sites (id),
    constraint page_aliases_page foreign key (page_id) references pages (id),
    constraint page_aliases_url_length check (char_length(url) between 1 and 2048)
);

create index page_aliases_page_id on page_aliases (page_id);

-- Why a comment isn't published, as its author reads it.
create table reasons (
    id uuid primary key,
    site_id uuid not null,
    code text not null,
    text text not null,
    created_at timestamptz not null,
    constraint reasons_site foreign key (site_id) references sites (id) on delete cascade,
    constraint reasons_code_unique unique (site_id, code),
    constraint reasons_code_form check (code ~ '^[a-z][a-z0-9_]{0,39}$'),
    constraint reasons_text_length check (char_length(text) between 1 and 500)
);
