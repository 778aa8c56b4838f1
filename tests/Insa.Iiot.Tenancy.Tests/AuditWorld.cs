using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Tenancy.Tests;

/// <summary>Audit logs over a SQLite file of their own, with a clock and a checkpoint after every 8 entries.</summary>
internal sealed class AuditWorld : IAsyncDisposable
{
    public static readonly ControlScope Plant = ControlScope.Of(TenantId.Parse("plant"));
    public static readonly ControlScope Other = ControlScope.Of(TenantId.Parse("other"));

    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-audit-").FullName;
    private readonly ServiceProvider _services;

    public AuditWorld()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<TimeProvider>(Time);
        services.AddIiot().AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(_folder, "iiot.db")).AddTenancy();
        services.Configure<AuditOptions>(audit => audit.CheckpointInterval = 8);
        _services = services.BuildServiceProvider();
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 5, 1, 8, 0, 0, TimeSpan.Zero));

    public IControlStore Store => _services.GetRequiredService<IControlStore>();

    public AuditLog Log => _services.GetRequiredService<AuditLog>();

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    /// <summary>Another host's, over the same store unless another is given.</summary>
    public AuditLog MakeLog(IControlStore? store = null, int interval = 8) =>
        new(store ?? Store, Time, Options.Create(new AuditOptions { CheckpointInterval = interval }));

    public static AuditEvent Happened(int number = 0, string? refusal = null) =>
        new()
        {
            Actor = $"user-{number}",
            Action = "device.create",
            Target = $"press-{number}",
            Refusal = refusal,
            SourceAddress = "192.0.2.7",
            Details = new Dictionary<string, string> { ["plan"] = "starter", ["number"] = $"{number}" },
        };

    public async Task AppendAsync(ControlScope log, int count)
    {
        for (var i = 0; i < count; i++)
        {
            Time.Advance(TimeSpan.FromSeconds(1));
            await Log.AppendAsync(log, Happened(i, i % 5 == 4 ? "quota-exceeded" : null));
        }
    }

    public async Task<List<string>> ExportAsync(ControlScope log)
    {
        using var stream = new MemoryStream();
        await Log.ExportAsync(log, stream);
        return [.. Encoding.UTF8.GetString(stream.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries)];
    }

    public async Task<string[]> KeysAsync() => [.. (await Log.ReadKeysAsync()).Select(key => key.Id)];

    public static Task<AuditVerification> VerifyAsync(
        IEnumerable<string> lines,
        ControlScope log,
        IReadOnlyCollection<string> trusted,
        AuditCheckpoint? kept = null
    )
    {
        var bytes = Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")));
        return AuditVerifier.VerifyAsync(new MemoryStream(bytes), log, trusted, kept);
    }

    public async Task<AuditVerification> VerifyAsync(ControlScope log) => await VerifyAsync(await ExportAsync(log), log, await KeysAsync());

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
