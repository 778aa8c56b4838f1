using System.IO.Compression;
using System.Text.Json;
using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy.Offboarding;

/// <summary>Writes all that is kept of a tenant into a zip archive, one page of each list in memory at a time.</summary>
internal sealed class TenantArchive(
    TenantMembers members,
    TenantRoles roles,
    UserAccounts users,
    TenantBrandings brandings,
    AuditLog audit,
    UsageLedger ledger,
    IDeviceRegistry devices,
    IDeadLetterStore deadLetters,
    ITelemetryReader telemetry,
    IEnumerable<IRetentionPolicyStore> retention
)
{
    private const int Page = 500;

    // Of payloads of some size.
    private const int DeadLetterPage = 20;
    private const int PointsPerPage = 10_000;

    public async Task WriteAsync(TenantId tenant, TenantRecord record, Stream destination, CancellationToken cancellationToken)
    {
        var passing = new AsyncDestination(destination);
        await using var disposePassing = passing.ConfigureAwait(false);
        await WriteAllAsync(tenant, record, passing, cancellationToken).ConfigureAwait(false);
        await passing.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task WriteAllAsync(
        TenantId tenant,
        TenantRecord record,
        AsyncDestination destination,
        CancellationToken cancellationToken
    )
    {
        var archive = await ZipArchive
            .CreateAsync(destination, ZipArchiveMode.Create, leaveOpen: true, entryNameEncoding: null, cancellationToken)
            .ConfigureAwait(false);
        await using var disposeArchive = archive.ConfigureAwait(false);
        await JsonEntry
            .WriteAsync(archive, "tenant.json", json => WriteTenantAsync(json, tenant, record, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        await JsonEntry
            .WriteAsync(archive, "roles.json", json => WriteRolesAsync(json, tenant, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        await JsonEntry
            .WriteAsync(archive, "members.json", json => WriteMembersAsync(json, tenant, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        await JsonEntry
            .WriteAsync(archive, "devices.json", json => WriteDevicesAsync(json, tenant, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        await JsonEntry
            .WriteAsync(
                archive,
                "retention-policies.json",
                json => WriteRetentionPoliciesAsync(json, tenant, cancellationToken),
                cancellationToken
            )
            .ConfigureAwait(false);
        await JsonEntry
            .WriteAsync(archive, "dead-letters.ndjson", json => WriteDeadLettersAsync(json, tenant, cancellationToken), cancellationToken)
            .ConfigureAwait(false);
        await WriteEntryAsync(
                archive,
                "audit.ndjson",
                async entry => await audit.ExportAsync(ControlScope.Of(tenant), entry, cancellationToken).ConfigureAwait(false),
                cancellationToken
            )
            .ConfigureAwait(false);
        await WriteEntryAsync(
                archive,
                "usage.csv",
                entry => ledger.ExportAsync(tenant, DateTime.MinValue, DateTime.MaxValue, UsageFormat.Csv, entry, cancellationToken),
                cancellationToken
            )
            .ConfigureAwait(false);
        await foreach (var device in ListDevicesAsync(tenant, cancellationToken).ConfigureAwait(false))
            await JsonEntry
                .WriteAsync(
                    archive,
                    $"telemetry/{Uri.EscapeDataString(device.Id.Value)}.ndjson",
                    json => WritePointsAsync(json, tenant, device.Id, cancellationToken),
                    cancellationToken
                )
                .ConfigureAwait(false);
    }

    private async Task WriteTenantAsync(JsonEntry json, TenantId tenant, TenantRecord record, CancellationToken cancellationToken)
    {
        var branding = await brandings.GetAsync(tenant, cancellationToken).ConfigureAwait(false);
        await json.AddAsync(
                writer =>
                {
                    writer.WriteString("id", tenant.Value);
                    writer.WritePropertyName("settings");
                    JsonSerializer.Serialize(writer, record, RecordJson.Default.TenantRecord);
                    writer.WriteStartObject("branding");
                    writer.WriteString("productName", branding.ProductName);
                    writer.WriteString("primaryColor", branding.PrimaryColor);
                    writer.WriteString("accentColor", branding.AccentColor);
                    writer.WriteString("logoMediaType", branding.LogoMediaType);
                    writer.WriteBase64String("logo", branding.Logo.Span);
                    writer.WriteEndObject();
                },
                cancellationToken
            )
            .ConfigureAwait(false);
    }

    private async Task WriteRolesAsync(JsonEntry json, TenantId tenant, CancellationToken cancellationToken)
    {
        foreach (var role in await roles.ListAsync(tenant, cancellationToken).ConfigureAwait(false))
            await json.AddAsync(
                    writer =>
                    {
                        writer.WriteString("id", role.Id);
                        writer.WriteString("name", role.Name);
                        WriteTexts(writer, "permissions", role.Permissions.Names);
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
    }

    private async Task WriteMembersAsync(JsonEntry json, TenantId tenant, CancellationToken cancellationToken)
    {
        string? after = null;
        IReadOnlyList<Member> page;
        do
        {
            page = await members.ListAsync(tenant, after, Page, cancellationToken).ConfigureAwait(false);
            foreach (var member in page)
            {
                var user = await users.FindAsync(member.UserId, cancellationToken).ConfigureAwait(false);
                await json.AddAsync(
                        writer =>
                        {
                            writer.WriteString("userId", member.UserId);
                            writer.WriteString("email", user?.Email);
                            writer.WriteString("displayName", user?.DisplayName);
                            writer.WriteString("since", member.Since);
                            WriteTexts(writer, "roles", member.Roles);
                        },
                        cancellationToken
                    )
                    .ConfigureAwait(false);
                after = member.UserId;
            }
        } while (page.Count == Page);
    }

    // Of credentials that there are some, and since when: neither secrets nor anything to find them by.
    private async Task WriteDevicesAsync(JsonEntry json, TenantId tenant, CancellationToken cancellationToken)
    {
        await foreach (var device in ListDevicesAsync(tenant, cancellationToken).ConfigureAwait(false))
        {
            var credentials = await devices.ListCredentialsAsync(tenant, device.Id, cancellationToken).ConfigureAwait(false);
            await json.AddAsync(
                    writer =>
                    {
                        writer.WriteString("id", device.Id.Value);
                        writer.WriteString("displayName", device.DisplayName);
                        writer.WriteString("gateway", device.Gateway?.Value);
                        writer.WriteString("state", device.State.ToString());
                        writer.WriteString("createdAt", device.CreatedAt);
                        writer.WriteStartArray("credentials");
                        foreach (var credential in credentials)
                        {
                            writer.WriteStartObject();
                            writer.WriteString("kind", credential.Kind.ToString());
                            writer.WriteString("createdAt", credential.CreatedAt);
                            writer.WriteEndObject();
                        }

                        writer.WriteEndArray();
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
        }
    }

    // A store need not have any.
    private async Task WriteRetentionPoliciesAsync(JsonEntry json, TenantId tenant, CancellationToken cancellationToken)
    {
        if (retention.FirstOrDefault() is not { } policies)
            return;
        foreach (var policy in await policies.ListAsync(tenant, cancellationToken).ConfigureAwait(false))
            await json.AddAsync(
                    writer =>
                    {
                        writer.WriteString("metric", policy.Metric);
                        writer.WriteString("tier", policy.Tier.ToString());
                        writer.WriteNumber("keepSeconds", policy.Keep.TotalSeconds);
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
    }

    private async Task WriteDeadLettersAsync(JsonEntry json, TenantId tenant, CancellationToken cancellationToken)
    {
        var after = 0L;
        IReadOnlyList<DeadLetter> page;
        do
        {
            page = await deadLetters.ListAsync(tenant, after, DeadLetterPage, cancellationToken).ConfigureAwait(false);
            foreach (var letter in page)
            {
                await json.AddAsync(
                        writer =>
                        {
                            writer.WriteNumber("id", letter.Id);
                            writer.WriteString("device", letter.Device.Value);
                            writer.WriteString("receivedAt", letter.ReceivedAt);
                            writer.WriteString("reason", letter.Reason.ToString());
                            writer.WriteString("mediaType", letter.MediaType);
                            writer.WriteBase64String("payload", letter.Payload.Span);
                        },
                        cancellationToken
                    )
                    .ConfigureAwait(false);
                after = letter.Id;
            }
        } while (page.Count == DeadLetterPage);
    }

    private async Task WritePointsAsync(JsonEntry json, TenantId tenant, DeviceId device, CancellationToken cancellationToken)
    {
        var query = new TelemetryQuery { Device = device, Limit = PointsPerPage };
        int count;
        do
        {
            count = 0;
            await foreach (var point in telemetry.ReadAsync(tenant, query, cancellationToken).ConfigureAwait(false))
            {
                await json.AddAsync(writer => WritePoint(writer, point), cancellationToken).ConfigureAwait(false);
                query = query with { After = new TelemetryCursor(point.Timestamp, point.Metric) };
                count++;
            }
        } while (count == PointsPerPage);
    }

    private static void WritePoint(Utf8JsonWriter writer, in TelemetryPoint point)
    {
        writer.WriteString("metric", point.Metric);
        writer.WriteString("timestamp", point.Timestamp);
        writer.WritePropertyName("value");
        switch (point.Value.Kind)
        {
            case TelemetryValueKind.Double:
                writer.WriteNumberValue(point.Value.AsDouble());
                break;
            case TelemetryValueKind.Long:
                writer.WriteNumberValue(point.Value.AsLong());
                break;
            case TelemetryValueKind.Bool:
                writer.WriteBooleanValue(point.Value.AsBool());
                break;
            case TelemetryValueKind.Json:
                writer.WriteRawValue(point.Value.AsText(), skipInputValidation: true);
                break;
            default:
                writer.WriteStringValue(point.Value.AsText());
                break;
        }

        writer.WriteNumber("quality", (int)point.Quality);
    }

    private async IAsyncEnumerable<Device> ListDevicesAsync(
        TenantId tenant,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        DeviceId? after = null;
        IReadOnlyList<Device> page;
        do
        {
            page = await devices.ListAsync(tenant, after, Page, cancellationToken).ConfigureAwait(false);
            foreach (var device in page)
            {
                yield return device;
                after = device.Id;
            }
        } while (page.Count == Page);
    }

    private static void WriteTexts(Utf8JsonWriter writer, string name, IEnumerable<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts)
            writer.WriteStringValue(text);
        writer.WriteEndArray();
    }

    private static async Task WriteEntryAsync(
        ZipArchive archive,
        string name,
        Func<Stream, Task> write,
        CancellationToken cancellationToken
    )
    {
        var entry = await archive.CreateEntry(name).OpenAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeEntry = entry.ConfigureAwait(false);
        await write(entry).ConfigureAwait(false);
    }
}
