using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Insa.Iiot.Tenancy.Quotas;
using Insa.Iiot.Tenancy.Records;

namespace Insa.Iiot.Tenancy;

/// <summary>What tenants have used, hour by hour: records that are only ever added. Thread-safe.</summary>
public sealed class UsageLedger
{
    /// <summary>How long after its end an hour is closed: nothing is added to it from then on, and it can be exported.</summary>
    public static readonly TimeSpan ClosingDelay = TimeSpan.FromMinutes(10);

    internal const string HourFormat = "yyyyMMddHH";
    private const int PageSize = 500;
    private const string CsvHeader = "tenant,hour,messages,points,bytes,refused_inactive,refused_quota,refused_rate,storage_days\n";

    private readonly IControlStore _store;
    private readonly TimeProvider _time;

    internal UsageLedger(IControlStore store, TimeProvider time) => (_store, _time) = (store, time);

    /// <summary>Reads hours in which something was used, in order; the last one may still grow.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="from">The first hour, UTC; within an hour is that hour.</param>
    /// <param name="to">The hour before which to end, UTC.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async IAsyncEnumerable<UsageHour> ReadAsync(
        TenantId tenant,
        DateTime from,
        DateTime to,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var after = from.ToString(HourFormat, CultureInfo.InvariantCulture);
        var end = to.ToString(HourFormat, CultureInfo.InvariantCulture);
        UsageHour? open = null;
        while (true)
        {
            var page = await _store
                .ListAsync(ControlScope.Of(tenant), RecordKinds.Usage, after, PageSize, cancellationToken)
                .ConfigureAwait(false);
            foreach (var record in page)
            {
                if (string.CompareOrdinal(record.Id, end) >= 0)
                {
                    page = [];
                    break;
                }

                var hour = DateTime.ParseExact(
                    record.Id.AsSpan(0, HourFormat.Length),
                    HourFormat,
                    CultureInfo.InvariantCulture,
                    DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal
                );
                if (open is not null && open.Hour != hour)
                {
                    yield return open;
                    open = null;
                }

                open = Add(open ?? new UsageHour(hour, 0, 0, 0, 0, 0, 0), RecordJson.Read<UsageRecord>(record));
                after = record.Id;
            }

            if (page.Count < PageSize)
                break;
        }

        if (open is not null)
            yield return open;
    }

    /// <summary>
    /// Writes closed hours in which something was used, for billing: the same bytes whenever it is asked for them again. An event's id is
    /// the tenant and the hour.
    /// </summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="from">The first hour, UTC; within an hour is that hour.</param>
    /// <param name="to">The hour before which to end, UTC; hours that are not closed are left out.</param>
    /// <param name="format">How to write them.</param>
    /// <param name="destination">Where to, in UTF-8; stays open.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public async Task ExportAsync(
        TenantId tenant,
        DateTime from,
        DateTime to,
        UsageFormat format,
        Stream destination,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(destination);
        var open = HourOf(_time.GetUtcNow().UtcDateTime - ClosingDelay);
        if (to > open)
            to = open;
        if (format == UsageFormat.Csv)
            await destination.WriteAsync(Encoding.UTF8.GetBytes(CsvHeader), cancellationToken).ConfigureAwait(false);
        var line = new ArrayBufferWriter<byte>();
        await foreach (var hour in ReadAsync(tenant, from, to, cancellationToken).ConfigureAwait(false))
        {
            line.ResetWrittenCount();
            if (format == UsageFormat.Csv)
                WriteCsv(line, tenant, hour);
            else
                WriteEvent(line, tenant, hour);
            await destination.WriteAsync(line.WrittenMemory, cancellationToken).ConfigureAwait(false);
        }
    }

    internal static DateTime HourOf(DateTime utc) => new(utc.Ticks - (utc.Ticks % TimeSpan.TicksPerHour), DateTimeKind.Utc);

    private static UsageHour Add(UsageHour hour, UsageRecord more) =>
        hour with
        {
            Messages = hour.Messages + more.Messages,
            Points = hour.Points + more.Points,
            Bytes = hour.Bytes + more.Bytes,
            RefusedInactive = hour.RefusedInactive + more.RefusedInactive,
            RefusedQuota = hour.RefusedQuota + more.RefusedQuota,
            RefusedRate = hour.RefusedRate + more.RefusedRate,
            StorageDays = hour.StorageDays + more.StorageDays,
        };

    private static void WriteCsv(ArrayBufferWriter<byte> line, TenantId tenant, UsageHour hour) =>
        Encoding.UTF8.GetBytes(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{tenant.Value},{hour.Hour:yyyy-MM-ddTHH:mm:ssZ},{hour.Messages},{hour.Points},{hour.Bytes},{hour.RefusedInactive},{hour.RefusedQuota},{hour.RefusedRate},{hour.StorageDays}\n"
            ),
            line
        );

    // CloudEvents 1.0.2, JSON event format: one event a line.
    private static void WriteEvent(ArrayBufferWriter<byte> line, TenantId tenant, UsageHour hour)
    {
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteString("specversion", "1.0");
            json.WriteString("id", $"{tenant.Value}.{hour.Hour.ToString(HourFormat, CultureInfo.InvariantCulture)}");
            json.WriteString("type", "insa.iiot.usage.v1");
            json.WriteString("source", "insa.iiot/tenancy");
            json.WriteString("subject", tenant.Value);
            json.WriteString("time", hour.Hour.AddHours(1));
            json.WriteString("datacontenttype", "application/json");
            json.WriteStartObject("data");
            json.WriteString("from", hour.Hour);
            json.WriteString("to", hour.Hour.AddHours(1));
            json.WriteNumber("messages", hour.Messages);
            json.WriteNumber("points", hour.Points);
            json.WriteNumber("bytes", hour.Bytes);
            json.WriteNumber("storage_days", hour.StorageDays);
            json.WriteStartObject("refused");
            json.WriteNumber("tenant_inactive", hour.RefusedInactive);
            json.WriteNumber("quota_exceeded", hour.RefusedQuota);
            json.WriteNumber("rate_limited", hour.RefusedRate);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        line.Write("\n"u8);
    }
}
