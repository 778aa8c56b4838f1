using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace Insa.Iiot.Commands.Tests;

/// <summary>A host with commands over a SQLite file, alone or beside another on the same file.</summary>
internal sealed class CommandWorld : IAsyncDisposable
{
    public static readonly TenantId Plant = TenantId.Parse("plant");
    public static readonly TenantId Other = TenantId.Parse("other");
    public static readonly DeviceId Press = DeviceId.Parse("press");

    private readonly CommandWorld? _other;
    private readonly string _folder;
    private readonly ServiceProvider _services;

    public CommandWorld(CommandWorld? other = null)
    {
        _other = other;
        _folder = other?._folder ?? Directory.CreateTempSubdirectory("iiot-commands-").FullName;
        Time = other?.Time ?? new FakeTimeProvider(new DateTimeOffset(2026, 5, 1, 8, 0, 0, TimeSpan.Zero));
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<TimeProvider>(Time);
        services.AddIiot().AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(_folder, "iiot.db")).AddCommands();

        // Two hosts share what one store keeps.
        if (other is not null)
            services.AddSingleton(other.Store);
        _services = services.BuildServiceProvider();
    }

    public FakeTimeProvider Time { get; }

    public IControlStore Store => _services.GetRequiredService<IControlStore>();

    public IDeviceCommands Commands => _services.GetRequiredService<IDeviceCommands>();

    public CommandNews News => _services.GetRequiredService<CommandNews>();

    public IHostedService Service => _services.GetServices<IHostedService>().OfType<CommandNewsService>().Single();

    public ValueTask<DeviceCommand> SendAsync(string name, bool needsAnswer = false, TimeSpan? lifetime = null) =>
        Commands.SendAsync(
            Plant,
            Press,
            new DeviceCommandRequest
            {
                Name = name,
                Data = """{"percent":40}"""u8.ToArray(),
                NeedsAnswer = needsAnswer,
                Lifetime = lifetime ?? TimeSpan.FromHours(1),
            }
        );

    public async Task<string> OpenAsync() => string.Join(' ', (await Commands.ReadOpenAsync(Plant, Press)).Select(one => one.Name));

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        if (_other is null)
            Directory.Delete(_folder, recursive: true);
    }
}
