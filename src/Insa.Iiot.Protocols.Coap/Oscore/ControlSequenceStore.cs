using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>Keeps the server's sequence numbers towards a device in the control plane, where hosts that share it never take the same (RFC 8613 appendix B.1.1).</summary>
internal sealed class ControlSequenceStore(IControlStore store, TenantId tenant, DeviceId device, TimeProvider time) : IOscoreSequenceStore
{
    public const string Kind = "coap.oscore";

    private const int MaxRaces = 32;
    private const int NumbersPerSecond = 16;
    private static readonly DateTimeOffset Epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public async ValueTask<long> ReserveAsync(int count, CancellationToken cancellationToken = default)
    {
        var scope = ControlScope.Of(tenant);
        for (var i = 0; i < MaxRaces; i++)
        {
            var record = await store.FindAsync(scope, Kind, device.Value, cancellationToken).ConfigureAwait(false);
            var first = Math.Max(record is null ? 0 : Read(record.Body), FirstOfNow());
            var body = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"next":{{first + count}}}"""));
            var change = record is null ? ControlChange.Insert(scope, Kind, device.Value, body) : ControlChange.Replace(record, body);
            var result = await store.CommitAsync([change], cancellationToken).ConfigureAwait(false);
            if (result.Outcome == ControlOutcome.Done)
                return first;
        }

        throw new TelemetryStoreException("Sequence numbers could not be set aside: too many do so at once.", isTransient: true);
    }

    // A second guard, where the store is put back to what it was some time ago: numbers grow at least as fast as this.
    private long FirstOfNow() => Math.Max((long)(time.GetUtcNow() - Epoch).TotalSeconds, 0) * NumbersPerSecond;

    private static long Read(ReadOnlyMemory<byte> body)
    {
        using var json = JsonDocument.Parse(body);
        return json.RootElement.GetProperty("next").GetInt64();
    }
}
