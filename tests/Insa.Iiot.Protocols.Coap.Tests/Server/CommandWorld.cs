using Insa.Iiot.Protocols.Coap.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Protocols.Coap.Tests.Server;

/// <summary>A world with commands, kept in a file of its own.</summary>
internal sealed class CommandWorld(CoapWorld world, string folder) : IAsyncDisposable
{
    public static readonly TenantId Plant = TenantId.Parse("plant");
    public static readonly DeviceId Press = DeviceId.Parse("press");

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public CoapWorld World => world;

    public IDeviceCommands Commands => world.Services.GetRequiredService<IDeviceCommands>();

    public static async Task<CommandWorld> StartAsync(bool isRealTime = false, bool hasStreams = false)
    {
        var folder = Directory.CreateTempSubdirectory("iiot-coap-").FullName;
        var world = hasStreams
            ? await CoapWorld.StartStreamsAsync(services: Add, isRealTime: isRealTime)
            : await CoapWorld.StartAsync(services: Add, isRealTime: isRealTime);
        return new CommandWorld(world, folder);

        void Add(IServiceCollection services) =>
            services.AddIiot().AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(folder, "iiot.db")).AddCommands();
    }

    public async Task<long> SendAsync(string name, string data = "", bool needsAnswer = false, DeviceId? device = null)
    {
        var request = new DeviceCommandRequest
        {
            Name = name,
            Data = System.Text.Encoding.UTF8.GetBytes(data),
            NeedsAnswer = needsAnswer,
        };
        return (await Commands.SendAsync(Plant, device ?? Press, request)).Id;
    }

    public async Task<DeviceCommandState> StateAsync(long id, DeviceId? device = null) =>
        (await Commands.FindAsync(Plant, device ?? Press, id))!.State;

    /// <summary>Waits until a command has come as far.</summary>
    public async Task BecomesAsync(long id, DeviceCommandState state, DeviceId? device = null)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (await StateAsync(id, device) != state)
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    public void Acknowledge(Sent message) => world.Receive(Wire.Empty(CoapType.Acknowledgement, message.Id));

    public async ValueTask DisposeAsync()
    {
        await world.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}
