alter table comments
    -- Stands for the author's e-mail address: a keyed hash of it, by which their comments are found without it. Null once
    -- deleted, and until a job has gone over comments from before this column.
    add column author_id uuid;

-- Texts that were replaced. Apart from the history, since they can be erased.
create table comment_texts (
    comment_id uuid not null,
    -- The last version of the comment that had this text.
    version integer not null,
    name text not null,
    website text,
    body text not null,
    primary key (comment_id, version),
    constraint comment_texts_history foreign key (comment_id, version) references comment_history (comment_id, version)
);

-- What moderators tell each other about a comment or an author.
create table notes (
    id uuid primary key,
    site_id uuid not null,
    comment_id uuid,
    author_id uuid,
    moderator_id uuid not null,
    note text not null,
    at timestamptz not null,
    constraint notes_site foreign key (site_id) references sites (id),
    constraint notes_comment foreign key (comment_id) references comments (id),
    constraint notes_moderator foreign key (moderator_id) references moderators (id),
    constraint notes_about_one check ((comment_id is null) <> (author_id is null)),
    constraint notes_length check (char_length(note) between 1 and 2000)
);

create index notes_comment_id on notes (comment_id, id) where comment_id is not null;
create index notes_author_id on notes (author_id, id) where author_id is not null;
