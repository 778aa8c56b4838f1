using System.Diagnostics;
using System.Globalization;
using Insa.Iiot.Conformance;
using Insa.Iiot.Storage.Sqlite.Telemetry;
using Microsoft.Data.Sqlite;

namespace Insa.Iiot.Storage.Sqlite.Tests;

public sealed class DurabilityTests : IDisposable
{
    private const int KillCycles = 5;
    private static readonly TenantId Plant = TenantId.Parse("plant");
    private static readonly DeviceId Press = DeviceId.Parse("press");
    private static readonly DateTime Noon = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);

    private readonly SqliteStore _store = new();

    public void Dispose() => _store.Dispose();

    [Fact]
    public async Task What_a_killed_process_had_committed_is_stored_once_and_the_file_is_sound()
    {
        var random = new Random(1);
        var next = 0;
        for (var cycle = 0; cycle < KillCycles; cycle++)
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, UseShellExecute = false };
            start.Environment[WritingProcess.FolderVariable] = _store.Folder;
            start.Environment[WritingProcess.FirstVariable] = next.ToString(CultureInfo.InvariantCulture);
            using var process = Process.Start(start)!;
            var acknowledged = next;
            for (var lines = random.Next(5, 50); lines > 0; lines--)
                acknowledged = int.Parse((await process.StandardOutput.ReadLineAsync())!, CultureInfo.InvariantCulture);
            process.Kill();

            // What it said before it died counts as well.
            while (await process.StandardOutput.ReadLineAsync() is { Length: > 0 } line)
                acknowledged = int.TryParse(line, CultureInfo.InvariantCulture, out var last) && last > acknowledged ? last : acknowledged;
            await process.WaitForExitAsync();

            var stored = new List<TelemetryPoint>();
            await foreach (var point in _store.Reader.ReadAsync(Plant, new TelemetryQuery { Device = Press, Limit = int.MaxValue }))
                stored.Add(point);
            Assert.True(stored.Count >= acknowledged, $"{acknowledged} acknowledged, {stored.Count} stored.");
            Assert.Equal(
                Enumerable.Range(0, stored.Count).Select(i => WritingProcess.Start.AddMilliseconds(i)),
                stored.Select(point => point.Timestamp)
            );
            Assert.Equal(0, stored.Count % WritingProcess.FramesPerBatch);
            Assert.Equal("ok", _store.Query("PRAGMA integrity_check"));

            // The device never heard of the rest, and sends it again.
            next = acknowledged;
        }
    }

    [Fact]
    public async Task A_slow_reader_does_not_keep_the_log_from_being_taken_into_the_file()
    {
        for (var i = 0; i < 20; i++)
            await WriteAsync(i, count: 200);
        var query = new TelemetryQuery { Device = Press, Limit = int.MaxValue };
        var points = 0;
        await foreach (var _ in _store.Reader.ReadAsync(Plant, query))
        {
            if (points++ % 1500 == 0)
                Assert.Equal(0L, _store.Query("PRAGMA wal_checkpoint(TRUNCATE)"));
            if (points == 1)
                await WriteAsync(20, count: 200);
        }

        Assert.Equal(4200, points);
    }

    [Fact]
    public async Task Every_commit_is_synced_to_the_disk()
    {
        await WriteAsync(0);
        Assert.Equal(
            ("wal", 2L),
            _store.Database.Write(connection =>
                ((string)Scalar(connection, "PRAGMA journal_mode")!, (long)Scalar(connection, "PRAGMA synchronous")!)
            )
        );
    }

    [Fact]
    public async Task A_full_disk_is_a_passing_failure_and_loses_nothing()
    {
        await WriteAsync(0);
        var pages = (long)_store.Query("PRAGMA page_count")!;
        _store.Database.Write(connection => Scalar(connection, $"PRAGMA max_page_count = {pages + 3}"));
        var written = 1;
        var failure = await Assert.ThrowsAsync<TelemetryStoreException>(async () =>
        {
            for (; written < 100; written++)
                await WriteAsync(written, 200);
        });
        Assert.True(failure.IsTransient);
        Assert.Contains("disk is full", failure.Message, StringComparison.Ordinal);

        _store.Database.Write(connection => Scalar(connection, "PRAGMA max_page_count = 1000000"));
        await WriteAsync(written, 200);
        var expected = 1 + ((written - 1) * 200) + 200;
        Assert.Equal((long)expected, _store.Query("SELECT count(*) FROM telemetry_frame"));
    }

    [Fact]
    public async Task A_database_that_another_process_holds_is_a_passing_failure()
    {
        await WriteAsync(0);
        using (var other = new SqliteConnection($"Data Source={_store.Path};Pooling=False"))
        {
            other.Open();
            Scalar(other, "BEGIN IMMEDIATE");
            var failure = await Assert.ThrowsAsync<TelemetryStoreException>(() => WriteAsync(1));
            Assert.True(failure.IsTransient);

            // Readers go on beside it, and a registration fails in its time-out instead of the provider's own.
            Assert.Single(await _store.Reader.ReadLatestAsync(Plant, Press));
            Assert.Equal(1, _store.Database.Write(connection => connection.DefaultTimeout));
            failure = await Assert.ThrowsAsync<TelemetryStoreException>(async () =>
                await _store.Devices.AddAsync(Plant, new Device { Id = Press })
            );
            Assert.True(failure.IsTransient);
            Scalar(other, "ROLLBACK");
        }

        await WriteAsync(1);
        Assert.Equal(2L, _store.Query("SELECT count(*) FROM telemetry_frame"));
    }

    [Fact]
    public async Task A_read_only_database_is_a_passing_failure()
    {
        await WriteAsync(0);
        _store.Database.Write(connection => Scalar(connection, "PRAGMA query_only = 1"));
        Assert.True((await Assert.ThrowsAsync<TelemetryStoreException>(() => WriteAsync(1))).IsTransient);
        _store.Database.Write(connection => Scalar(connection, "PRAGMA query_only = 0"));
        await WriteAsync(1);
        Assert.Equal(2L, _store.Query("SELECT count(*) FROM telemetry_frame"));
    }

    [Fact]
    public void A_database_of_a_newer_version_is_refused()
    {
        _store.Query($"PRAGMA user_version = {SqliteSchema.CurrentVersion + 1}");
        var failure = Assert.Throws<TelemetryStoreException>(() => _store.Database.Write(_ => true));
        Assert.False(failure.IsTransient);
        Assert.Contains("update the package", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_is_migrated_once_and_kept_on_the_next_start()
    {
        await WriteAsync(0);
        using var second = new SqliteStore(_store.Folder);
        Assert.Single(await second.Reader.ReadLatestAsync(Plant, Press));
        Assert.Equal((long)SqliteSchema.CurrentVersion, _store.Query("PRAGMA user_version"));
    }

    [Fact]
    public async Task Devices_of_an_earlier_version_get_what_they_lack()
    {
        var salt = new byte[SecretHash.SaltBytes];
        var hash = Convert.ToHexString(SecretHash.Hash(salt, "secret"u8));
        foreach (var step in SqliteSchema.Steps[..3])
            _store.Query(step);
        _store.Query("PRAGMA user_version = 3");
        _store.Query(
            $"""
            INSERT INTO tenant (id, name) VALUES (1, 'plant'), (2, 'other');
            INSERT INTO device (tenant, name, display_name, gateway, created_at, secret_salt, secret_hash) VALUES
              (1, 'press', 'Press', 'gate', 1000000, x'{Convert.ToHexString(salt)}', x'{hash}'), (1, 'lost', '', 'theirs', 1, NULL, NULL),
              (1, 'self', '', 'self', 1, NULL, NULL), (1, 'gate', '', NULL, 1, NULL, NULL), (2, 'theirs', '', NULL, 1, NULL, NULL);
            INSERT INTO certificate (sha256, device) VALUES (zeroblob(32), 1);
            """
        );
        Assert.Equal(
            ["gate  1 Enabled", "lost  1 Enabled", "press gate 1 Enabled", "self  1 Enabled"],
            (await _store.Devices.ListAsync(Plant, null, 10)).Select(device =>
                $"{device.Id} {device.Gateway} {device.Version} {device.State}"
            )
        );
        Assert.NotNull(await _store.Devices.AuthenticateAsync(DeviceCredential.FromPassword("press@plant", "secret"u8.ToArray())));
        var credentials = await _store.Devices.ListCredentialsAsync(Plant, Press);
        Assert.Equal(["password", new string('0', 64)], credentials.Select(credential => credential.Id));
        Assert.All(credentials, credential => Assert.Equal(DateTime.UnixEpoch.AddSeconds(1), credential.CreatedAt));
    }

    [Fact]
    public async Task Nobody_but_the_owner_may_read_the_file()
    {
        await WriteAsync(0);
        if (OperatingSystem.IsWindows())
            return;
        foreach (var file in Directory.GetFiles(_store.Folder))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

#if !DEBUG // Without optimisation the compiler boxes where it otherwise does not.
    [Fact]
    public async Task A_frame_of_a_known_device_and_layout_allocates_nothing()
    {
        using var small = Make(0, 10);
        using var large = Make(20_000, 1000);
        long Measure(BatchWriter writer)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            Assert.True(_store.Sink.WriteAsync(writer.Batch, CancellationToken.None).IsCompletedSuccessfully);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        await WriteAsync(1);
        for (var i = 0; i < 3; i++)
            _ = Measure(small) + Measure(large);
        Assert.InRange(Measure(large) - Measure(small), -1000, 1000);
    }
#endif

    private Task WriteAsync(int first, int count = 1)
    {
        using var writer = Make(first * 200, count);
        return _store.Sink.WriteAsync(writer.Batch, CancellationToken.None);
    }

    private static BatchWriter Make(int first, int count)
    {
        var writer = new BatchWriter();
        for (var i = 0; i < count; i++)
            writer.Add(Plant, Press, Noon.AddMilliseconds(first + i), frame => frame.AddDouble("n"u8, i));
        return writer;
    }

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
