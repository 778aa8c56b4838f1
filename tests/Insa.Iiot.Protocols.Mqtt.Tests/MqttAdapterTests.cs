using System.Net;
using Insa.Iiot.Conformance;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.Mqtt.Tests;

public abstract class MqttAdapterTests(byte version) : AdapterConformance
{
    private WebApplication _app = null!;
    private int _clients;

    protected override bool RefusesMalformed => version == 5;

    protected override async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Trace);
        Surroundings.AddTo(builder.Services);
        builder
            .Services.AddIiot()
            .AddIngestion(ingestion => ingestion.MaxLaneFrames = 1024)
            .AddMqttEndpoint(mqtt =>
            {
                mqtt.ReceiveMaximum = 4096;
                mqtt.Listeners.Add(new MqttListenerOptions { Port = 0 });
            });
        _app = builder.Build();
        await _app.StartAsync();
    }

    protected override async Task StopAsync() => await _app.DisposeAsync();

    protected override async Task<IAdapterClient?> ConnectAsync(string userName, string password)
    {
        IPEndPoint endpoint = _app.Services.GetRequiredService<MqttEndpointAddresses>().Endpoints[0];
        var raw = await RawClient.OpenAsync(endpoint);
        await raw.SendAsync(RawClient.Connect(version, userName, password, $"c{++_clients}"));
        var answer = await raw.ReadAsync();
        if (answer is [0x20, _, _, 0, ..])
            return new Client(raw, version);
        raw.Dispose();
        return null;
    }

    private sealed class Client(RawClient raw, byte version) : IAdapterClient
    {
        private ushort _nextId;
        private ushort _answered;

        public Task SendAsync(string json) => raw.SendAsync(RawClient.Publish(version, "telemetry", json, 1, ++_nextId));

        public async Task<AdapterReply> ReadReplyAsync()
        {
            var packet = await raw.ReadAsync();
            if (packet is null or [0xE0, ..])
                return AdapterReply.Closed;

            // Answers come in the order of the messages: the next one is to the oldest.
            Assert.Equal([0x40, (byte)(++_answered >> 8), (byte)_answered], [packet[0], packet[2], packet[3]]);
            return packet is [_, 2, ..] or [_, _, _, _, < 0x80, ..] ? AdapterReply.Acknowledged : AdapterReply.Refused;
        }

        public ValueTask DisposeAsync()
        {
            raw.Dispose();
            return default;
        }
    }
}
