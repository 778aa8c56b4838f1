using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using Insa.Iiot.Conformance;
using Insa.Iiot.Protocols.Coap.Messages;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Insa.Iiot.Protocols.Coap.Tests.Server;

/// <summary>What every adapter must do, by plain CoAP with a token.</summary>
public sealed class CoapAdapterTests : AdapterConformance
{
    private IHost _host = null!;

    protected override bool RefusesMalformed => true;

    protected override async Task StartAsync()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Logging.SetMinimumLevel(LogLevel.Trace);
        Surroundings.AddTo(builder.Services);
        builder
            .Services.AddIiot()
            .AddIngestion(ingestion => ingestion.MaxLaneFrames = 1024)
            .AddCoapServer(coap => coap.Listeners.Add(new CoapListenerOptions { Port = 0, IsPlain = true }));
        _host = builder.Build();
        await _host.StartAsync();
    }

    protected override async Task StopAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    protected override async Task<IAdapterClient?> ConnectAsync(string userName, string password)
    {
        var client = new Client(_host.Services.GetRequiredService<CoapServerAddresses>().Endpoints[0], $"token={userName}:{password}");
        if (await client.IsLetInAsync())
            return client;
        await client.DisposeAsync();
        return null;
    }

    /// <summary>Sends one message at a time (NSTART 1), each until it is answered, as RFC 7252 §4.7 wants it.</summary>
    private sealed class Client : IAdapterClient
    {
        private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));
        private readonly Channel<byte[]> _queue = Channel.CreateUnbounded<byte[]>();
        private readonly Channel<AdapterReply> _replies = Channel.CreateUnbounded<AdapterReply>();
        private readonly CancellationTokenSource _ending = new();
        private readonly string _query;
        private readonly Task _sending;
        private ushort _id;

        public Client(IPEndPoint server, string query)
        {
            _query = query;
            _socket.Connect(server);
            _sending = SendAllAsync();
        }

        public async Task<bool> IsLetInAsync()
        {
            var answer = await AskAsync(Wire.Request(CoapType.Confirmable, CoapCode.Get, ++_id, [1], "devices?" + _query));
            return answer.Code == CoapCode.Content;
        }

        public async Task SendAsync(string json) => await _queue.Writer.WriteAsync(Encoding.UTF8.GetBytes(json));

        public async Task<AdapterReply> ReadReplyAsync() => await _replies.Reader.ReadAsync();

        public async ValueTask DisposeAsync()
        {
            await _ending.CancelAsync();
            _queue.Writer.Complete();
            _socket.Dispose();
            await _sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _ending.Dispose();
        }

        private async Task SendAllAsync()
        {
            await foreach (var json in _queue.Reader.ReadAllAsync(_ending.Token))
            {
                var answer = await AskAsync(Wire.Request(CoapType.Confirmable, CoapCode.Post, ++_id, [2], "telemetry?" + _query, json));
                while (answer.Code == CoapCode.ServiceUnavailable)
                    answer = await AskAsync(Wire.Request(CoapType.Confirmable, CoapCode.Post, ++_id, [2], "telemetry?" + _query, json));
                _replies.Writer.TryWrite(answer.Code.IsSuccess ? AdapterReply.Acknowledged : AdapterReply.Refused);
            }
        }

        private async Task<Sent> AskAsync(byte[] request)
        {
            await _socket.SendAsync(request, _ending.Token);
            while (true)
            {
                var received = await _socket.ReceiveAsync(_ending.Token);
                var answer = new Sent((default, received.Buffer));
                if (answer.Type == CoapType.Confirmable)
                    await _socket.SendAsync(Wire.Empty(CoapType.Acknowledgement, answer.Id), _ending.Token);
                if (answer.Code != default)
                    return answer;
            }
        }
    }
}
