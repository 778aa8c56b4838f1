-- A certificate stands for one device of each tenant that registers it. That it was unique among all tenants let anybody who knew its hash keep its
-- owner from registering it, and told them whether somebody had.
alter table iiot.certificate drop constraint certificate_sha256_key;
create index certificate_sha256 on iiot.certificate (sha256);
