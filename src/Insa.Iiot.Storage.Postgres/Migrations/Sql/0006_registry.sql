-- Devices have a state and a version, and a gateway that exists; credentials say when they were made.
alter table iiot.device
  add is_enabled boolean not null default true,
  add version bigint not null default 1,
  add secret_made_at timestamptz,
  add secret_rotated_at timestamptz,
  add psk bytea,
  add psk_made_at timestamptz,
  add psk_rotated_at timestamptz;
comment on column iiot.device.secret_made_at is 'Null: before there was this column';
comment on column iiot.device.psk is 'Sealed by the hosts (CredentialSeal), whose key the database does not know';
alter table iiot.certificate add made_at timestamptz;
comment on column iiot.certificate.made_at is 'Null: before there was this column';

-- Row-level security is forced on the owner too: it would see no devices.
alter table iiot.device no force row level security;
update iiot.device d set gateway = null where gateway = name or gateway is not null and not exists (
  select from iiot.device g where g.tenant_no = d.tenant_no and g.name = d.gateway);
alter table iiot.device force row level security;

-- Decides the race of a device with the removal of its gateway.
alter table iiot.device
  add constraint device_gateway_is_another check (gateway <> name),
  add constraint device_gateway_exists foreign key (tenant_no, gateway) references iiot.device (tenant_no, name) on delete set null (gateway);
