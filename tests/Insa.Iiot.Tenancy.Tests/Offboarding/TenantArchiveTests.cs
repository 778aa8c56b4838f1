using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Tenancy.Tests.Offboarding;

public sealed class TenantArchiveTests : IAsyncLifetime
{
    private const int Points = 10_001;
    private static readonly TenantId Plant = TenancyWorld.Plant;
    private static readonly DeviceId Press = DeviceId.Parse("press:1");

    private TenancyWorld _world = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await TenancyWorld.MakeAsync();
        var devices = _world.Services.GetRequiredService<IDeviceRegistry>();
        await devices.AddAsync(Plant, new Device { Id = Press, DisplayName = "Press" });
        await devices.RotateSecretAsync(Plant, Press);
        await _world.ApiKeys.CreateAsync(Plant, _world.AsAnn, "bridge", PermissionSet.All, expiresAt: null);
        await _world
            .Services.GetRequiredService<AuditLog>()
            .AppendAsync(ControlScope.Of(Plant), new AuditEvent { Actor = "ann", Action = "device.create" });
        await _world
            .Services.GetRequiredService<IDeadLetterStore>()
            .AppendAsync(
                [
                    new DeadLetter
                    {
                        Tenant = Plant,
                        Device = Press,
                        ReceivedAt = _world.Time.GetUtcNow().UtcDateTime,
                        Reason = IngestReason.Malformed,
                        MediaType = "text/plain",
                        Payload = "x"u8.ToArray(),
                    },
                ],
                CancellationToken.None
            );
        await _world
            .Services.GetRequiredService<IRetentionPolicyStore>()
            .SetAsync(Plant, new RetentionPolicy(RetentionPolicy.AllMetrics, RetentionTier.Raw, TimeSpan.FromDays(30)), seen: null);
        await WritePointsAsync();
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Fact]
    public async Task The_archive_holds_all_that_is_kept_and_no_secret()
    {
        var files = await ExportAsync();
        Assert.Equal(
            [
                "tenant.json",
                "roles.json",
                "members.json",
                "devices.json",
                "retention-policies.json",
                "dead-letters.ndjson",
                "audit.ndjson",
                "usage.csv",
                "telemetry/press%3A1.ndjson",
            ],
            files.Keys
        );
        Assert.Equal("Plant 7", Parse(files["tenant.json"])[0].GetProperty("settings").GetProperty("displayName").GetString());
        Assert.Equal("ann@example.com", Parse(files["members.json"])[0].GetProperty("email").GetString());
        Assert.Contains(Parse(files["roles.json"]).EnumerateArray(), role => role.GetProperty("id").GetString() == "admin");
        Assert.Equal("Password", Parse(files["devices.json"])[0].GetProperty("credentials")[0].GetProperty("kind").GetString());
        Assert.Equal("Raw", Parse(files["retention-policies.json"])[0].GetProperty("tier").GetString());
        Assert.Equal(2_592_000, Parse(files["retention-policies.json"])[0].GetProperty("keepSeconds").GetInt64());
        Assert.Contains("\"payload\":\"eA==\"", files["dead-letters.ndjson"], StringComparison.Ordinal);
        using var audit = new MemoryStream(Encoding.UTF8.GetBytes(files["audit.ndjson"]));
        var keys = await _world.Services.GetRequiredService<AuditLog>().ReadKeysAsync();
        Assert.True((await AuditVerifier.VerifyAsync(audit, ControlScope.Of(Plant), [.. keys.Select(key => key.Id)])).IsValid);
        Assert.StartsWith("tenant,hour,", files["usage.csv"], StringComparison.Ordinal);

        var points = files["telemetry/press%3A1.ndjson"].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Points, points.Length);
        Assert.Equal(Points, points.Distinct(StringComparer.Ordinal).Count());

        // Those of the audit log are of its own tree.
        foreach (var secret in (string[])["hash", "salt", "secret"])
            Assert.DoesNotContain(
                files,
                file => file.Key != "audit.ndjson" && file.Value.Contains(secret, StringComparison.OrdinalIgnoreCase)
            );
    }

    [Fact]
    public async Task A_tenant_that_leaves_can_be_exported_until_it_is_deleted()
    {
        await _world.Tenants.OffboardAsync(Plant, (await _world.Tenants.FindAsync(Plant))!.Version);
        Assert.NotEmpty(await ExportAsync());

        _world.Time.Advance(TimeSpan.FromDays(30));
        await _world.Services.GetRequiredService<Insa.Iiot.Tenancy.Offboarding.TenantRemoval>().RunOnceAsync(CancellationToken.None);
        Assert.Equal(TenancyError.TenantState, (await Assert.ThrowsAsync<TenancyException>(ExportAsync)).Error);
    }

    private async Task<Dictionary<string, string>> ExportAsync()
    {
        using var archive = new MemoryStream();
        await _world.Services.GetRequiredService<TenantOffboarding>().ExportAsync(Plant, new ForwardOnly(archive));
        archive.Position = 0;
        await using var zip = new ZipArchive(archive, ZipArchiveMode.Read);
        var files = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in zip.Entries)
        {
            using var reader = new StreamReader(await entry.OpenAsync());
            files.Add(entry.FullName, await reader.ReadToEndAsync());
        }

        return files;
    }

    private static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;

    private async Task WritePointsAsync()
    {
        var limits = new TelemetryLimits { MaxAge = TimeSpan.FromDays(36_500), MaxAhead = TimeSpan.FromDays(36_500) };
        var arrival = _world.Time.GetUtcNow().UtcTicks;
        using var chunk = new TelemetryChunk(Points);
        chunk.Reset(Plant);
        var writer = new TelemetryFrameWriter(limits);
        for (var i = 0; i < Points; i++)
        {
            writer.BeginMessage(chunk, new DeviceSession(Plant, Press), Press, arrival);
            writer.AddDouble("n"u8, i);
            writer.SetTimestamp(arrival + (i * TimeSpan.TicksPerMillisecond));
            writer.EndFrame();
            writer.CommitMessage();
        }

        var batch = new TelemetryBatch();
        batch.Add(chunk);
        await _world.Services.GetRequiredService<ITelemetrySink>().WriteAsync(batch, CancellationToken.None);
    }

    /// <summary>A stream as an answer over the network is: without a position, and never written to synchronously.</summary>
    private sealed class ForwardOnly(Stream inner) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => throw new InvalidOperationException("Synchronous.");

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new InvalidOperationException("Synchronous.");

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            inner.WriteAsync(buffer, offset, count, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            inner.WriteAsync(buffer, cancellationToken);
    }
}
