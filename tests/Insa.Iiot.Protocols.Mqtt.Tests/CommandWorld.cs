using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot.Protocols.Mqtt.Tests;

/// <summary>A host with commands, kept in a file of its own.</summary>
internal sealed class CommandWorld : IAsyncDisposable
{
    public static readonly TenantId Plant = TenantId.Parse("plant");
    public static readonly DeviceId Press = DeviceId.Parse("press");

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("iiot-mqtt-").FullName;

    public MqttHost Host { get; private set; } = null!;

    public HeldCommands Commands { get; private set; } = null!;

    public static async Task<CommandWorld> StartAsync()
    {
        var world = new CommandWorld();
        world.Host = await MqttHost.StartAsync(add: world.Add);
        world.Commands = (HeldCommands)world.Host.Services.GetRequiredService<IDeviceCommands>();
        return world;
    }

    public async Task<long> SendAsync(string name, string data = "", bool needsAnswer = false)
    {
        var request = new DeviceCommandRequest
        {
            Name = name,
            Data = Encoding.UTF8.GetBytes(data),
            NeedsAnswer = needsAnswer,
        };
        return (await Commands.SendAsync(Plant, Press, request)).Id;
    }

    public async Task<DeviceCommand> FindAsync(long id) => (await Commands.FindAsync(Plant, Press, id))!;

    /// <summary>Waits until a command has come as far.</summary>
    public async Task BecomesAsync(long id, DeviceCommandState state)
    {
        using var patience = new CancellationTokenSource(Patience);
        while ((await FindAsync(id)).State != state)
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <returns>The code of the SUBACK; what comes before it is given to <paramref name="onOther"/>.</returns>
    public static async Task<int> SubscribeAsync(RawClient client, byte version, string filter, byte qos, List<byte[]>? onOther = null)
    {
        var body = new List<byte> { 0, 99 };
        if (version == 5)
            body.Add(0);
        body.AddRange([0, (byte)filter.Length, .. Encoding.UTF8.GetBytes(filter), qos]);
        await client.SendAsync(RawClient.Packet(0x82, body));
        while (true)
        {
            var answer = (await client.ReadAsync())!;
            if (answer[0] == 0x90)
                return answer[^1];
            onOther!.Add(answer);
        }
    }

    /// <summary>Takes a PUBLISH of QoS 1 apart.</summary>
    public static (string Topic, ushort Id, JsonElement Command) Read(byte[]? packet, byte version)
    {
        Assert.Equal(0x32, packet![0]);
        var at = 1;
        while ((packet[at++] & 0x80) != 0)
        {
            // The length is known.
        }

        var length = BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(at));
        var topic = Encoding.UTF8.GetString(packet, at + 2, length);
        at += 2 + length;
        var id = BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(at));
        at += 2;
        if (version == 5)
            at += 1 + packet[at];
        return (topic, id, JsonDocument.Parse(packet.AsMemory(at)).RootElement);
    }

    public static Task AcknowledgeAsync(RawClient client, ushort id, byte? reason = null) =>
        client.SendAsync(reason is { } code ? [0x40, 3, (byte)(id >> 8), (byte)id, code] : [0x40, 2, (byte)(id >> 8), (byte)id]);

    public async ValueTask DisposeAsync()
    {
        // Its services write to the folder until they are stopped.
        await Host.StopAsync();
        await Host.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private void Add(IiotBuilder iiot)
    {
        iiot.AddSqliteStorage(sqlite => sqlite.Path = Path.Combine(_folder, "iiot.db")).AddCommands();
        var real = iiot.Services.Last(service => service.ServiceType == typeof(IDeviceCommands));
        iiot.Services.Remove(real);
        iiot.Services.AddSingleton<IDeviceCommands>(provider => new HeldCommands(
            (IDeviceCommands)ActivatorUtilities.CreateInstance(provider, real.ImplementationType!)
        ));
    }
}
