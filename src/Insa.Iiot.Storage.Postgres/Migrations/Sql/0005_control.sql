-- Records of the control plane: what a kind of record means is its package's business. Tenants' records, and the platform's own.
create table iiot.control_record (
  tenant_no int not null references iiot.tenant,
  kind text collate "C" not null,
  id text collate "C" not null,
  version bigint not null,
  body jsonb not null,
  primary key (tenant_no, kind, id)
);
create table iiot.control_key (
  tenant_no int not null,
  kind text collate "C" not null,
  key text collate "C" not null,
  id text collate "C" not null,
  primary key (tenant_no, kind, key),
  foreign key (tenant_no, kind, id) references iiot.control_record on delete cascade
);
create index control_key_record on iiot.control_key (tenant_no, kind, id);

-- Bounds are kept beside what is counted, so that one update decides every race.
create table iiot.control_counter (
  tenant_no int not null references iiot.tenant,
  name text collate "C" not null,
  used bigint not null default 0,
  least bigint not null default 0,
  most bigint,
  primary key (tenant_no, name)
);

-- Row-level security is forced on the owner too: it would see no devices.
alter table iiot.device no force row level security;
insert into iiot.control_counter (tenant_no, name, used) select tenant_no, 'devices', count(*) from iiot.device group by tenant_no;
alter table iiot.device force row level security;

create table iiot.platform_record (
  kind text collate "C" not null,
  id text collate "C" not null,
  version bigint not null,
  body jsonb not null,
  primary key (kind, id)
);
create table iiot.platform_key (
  kind text collate "C" not null,
  key text collate "C" not null,
  id text collate "C" not null,
  primary key (kind, key),
  foreign key (kind, id) references iiot.platform_record on delete cascade
);
create index platform_key_record on iiot.platform_key (kind, id);

do $$
declare
  table_name text;
begin
  foreach table_name in array array['control_record', 'control_key', 'control_counter'] loop
    execute format('alter table iiot.%I enable row level security, force row level security', table_name);
    execute format(
      'create policy tenant on iiot.%I using (tenant_no = (select nullif(current_setting(''iiot.tenant'', true), '''')::int)) '
      'with check (tenant_no = (select nullif(current_setting(''iiot.tenant'', true), '''')::int))',
      table_name);
  end loop;

  -- The platform's records are nobody's until a transaction says which kind it deals with.
  foreach table_name in array array['platform_record', 'platform_key'] loop
    execute format('alter table iiot.%I enable row level security, force row level security', table_name);
    execute format(
      'create policy kind on iiot.%I using (kind = (select nullif(current_setting(''iiot.platform_kind'', true), ''''))) '
      'with check (kind = (select nullif(current_setting(''iiot.platform_kind'', true), '''')))',
      table_name);
  end loop;
end
$$;
grant select, insert, update, delete on iiot.control_record, iiot.control_key, iiot.platform_record, iiot.platform_key to iiot_app;
grant select, insert, update on iiot.control_counter to iiot_app;
