using System.Collections.Concurrent;
using System.Text;
using Insa.Iiot.Protocols.Coap.Client;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Oscore;
using Insa.Iiot.Protocols.Coap.Transport;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Insa.Iiot.Protocols.Coap.Tests.Oscore;

/// <summary>The client with OSCORE: against our server by UDP, and against one whose messages the test chooses.</summary>
public sealed class OscoreClientTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly byte[] Large = Encoding.UTF8.GetBytes(string.Join('\n', Enumerable.Range(0, 2000)));

    [Fact]
    public async Task A_client_posts_reads_and_writes_in_blocks_and_observes()
    {
        CoapResource? resource = null;
        byte[] body = Large;
        await using var world = await StartAsync(coap =>
        {
            resource = coap.Map("large");
            resource.IsObservable = true;
            resource.On(CoapCode.Get, (_, _) => ValueTask.FromResult(new CoapResponse(CoapCode.Content) { Payload = body }));
            resource.On(
                CoapCode.Put,
                (context, _) =>
                {
                    body = context.Payload.ToArray();
                    Assert.Equal("press", context.Session!.Device.Value);
                    resource.NotifyChanged();
                    return ValueTask.FromResult(new CoapResponse(CoapCode.Changed));
                }
            );
        });
        await using var client = await ConnectAsync(world, CoapWorld.Psk, options => options.Nstart = 4);
        var posts = Enumerable
            .Range(0, 40)
            .Select(i => client.PostAsync("/telemetry", Encoding.UTF8.GetBytes($$$"""{"data":{"n":{{{i}}}}}"""), CoapContentFormat.Json));
        Assert.All(await Task.WhenAll(posts), response => Assert.Equal(CoapCode.Changed, response.Code));
        Assert.Equal(40, world.Stored.Count(row => (row.Tenant, row.Device) == ("plant", "press")));
        Assert.Equal(Large, (await client.GetAsync("/large")).Payload.ToArray());

        using var patience = new CancellationTokenSource(Patience);
        var seen = new List<int>();
        await foreach (var state in client.ObserveAsync(new CoapRequest(CoapCode.Get, "/large"), patience.Token))
        {
            seen.Add(state.Payload.Length);
            if (seen.Count == 4)
                break;
            var next = new byte[3000 - (500 * seen.Count)];
            Assert.Equal(CoapCode.Changed, (await client.PutAsync("/large", next, CoapContentFormat.OctetStream)).Code);
        }

        Assert.Equal([Large.Length, 2500, 2000, 1500], seen);
        await client.PingAsync();
    }

    [Fact]
    public async Task A_wrong_key_is_told_by_a_code_alone_and_does_not_end_the_client()
    {
        await using var world = await StartAsync();
        await using var client = await ConnectAsync(world, new DevicePsk(CoapWorld.Psk.Identity, new byte[32]));
        var response = await client.GetAsync("/time");
        Assert.Equal((CoapCode.Unauthorized, 0), (response.Code, response.Payload.Length));
        Assert.Equal(CoapCode.Unauthorized, (await client.GetAsync("/time")).Code);
    }

    [Fact]
    public async Task A_client_that_begins_anew_goes_on_with_its_numbers()
    {
        var sequence = new CountingStore();
        await using var world = await StartAsync();
        for (var i = 0; i < 3; i++)
        {
            await using var client = await ConnectAsync(world, CoapWorld.Psk, sequence: sequence);
            Assert.Equal(
                CoapCode.Changed,
                (await client.PostAsync("/telemetry", """{"data":{"n":1}}"""u8.ToArray(), CoapContentFormat.Json)).Code
            );
        }

        Assert.Equal(3, world.Stored.Count);
    }

    [Fact]
    public async Task What_is_sent_again_is_the_same_bytes_and_no_number_is_used_twice()
    {
        await using var link = new Link();
        var client = await link.ConnectAsync();
        var asked = client.GetAsync("/a");
        var first = await link.NextAsync();
        Assert.Equal(first, await link.NextAsync()); // nobody answers: it is sent again
        link.Answer(first, number: 5, "late");
        Assert.Equal("late", Encoding.UTF8.GetString((await asked.WaitAsync(Patience)).Payload.Span));
        var second = client.GetAsync("/a");
        link.Answer(await link.NextAsync(except: first), number: null, "own");
        Assert.Equal("own", Encoding.UTF8.GetString((await second.WaitAsync(Patience)).Payload.Span));
        Assert.Equal(2, link.Numbers.Count);
    }

    [Fact]
    public async Task Neither_forged_nor_unprotected_responses_are_believed()
    {
        await using var link = new Link();
        var client = await link.ConnectAsync();
        var asked = client.GetAsync("/a");
        var request = await link.NextAsync();
        link.AnswerPlain(request, CoapCode.Content, "not protected");
        link.AnswerPlain(request, CoapCode.NotFound, "not protected");
        link.Answer(request, number: 6, "forged", spoil: true);
        link.Answer(request, number: 6, "true");
        Assert.Equal("true", Encoding.UTF8.GetString((await asked.WaitAsync(Patience)).Payload.Span));

        // What a server without the context would say is told, without what may be anybody's words.
        var second = client.GetAsync("/b");
        link.AnswerPlain(await link.NextAsync(except: request), CoapCode.Unauthorized, "come to me instead");
        var refused = await second.WaitAsync(Patience);
        Assert.Equal((CoapCode.Unauthorized, 0), (refused.Code, refused.Payload.Length));
    }

    [Fact]
    public async Task A_response_to_another_request_is_not_taken_for_this_ones()
    {
        await using var link = new Link();
        var client = await link.ConnectAsync();
        var first = client.GetAsync("/a");
        var request = await link.NextAsync();
        link.Answer(request, number: 1, "first");
        await first.WaitAsync(Patience);
        var second = client.GetAsync("/b");
        var other = await link.NextAsync(except: request);
        link.Answer(other, number: 2, "swapped", requestNumber: 0);
        link.Answer(other, number: 3, "second");
        Assert.Equal("second", Encoding.UTF8.GetString((await second.WaitAsync(Patience)).Payload.Span));
    }

    [Fact]
    public async Task An_old_notification_is_acknowledged_and_is_no_news()
    {
        await using var link = new Link();
        var client = await link.ConnectAsync();
        using var patience = new CancellationTokenSource(Patience);
        var states = client.ObserveAsync(new CoapRequest(CoapCode.Get, "/s"), patience.Token).GetAsyncEnumerator(patience.Token);
        var next = states.MoveNextAsync().AsTask();
        var registration = await link.NextAsync();
        link.Answer(registration, number: 10, "ten", observe: 1);
        Assert.True(await next);
        link.Notify(registration, id: 500, number: 20, "twenty");
        Assert.True(await states.MoveNextAsync());
        foreach (var (id, number) in new[] { ((ushort)501, 20), ((ushort)502, 15), ((ushort)503, 10) })
        {
            link.Notify(registration, id, number, "old");
            Assert.Equal(id, await link.NextAcknowledgedAsync());
        }

        link.Notify(registration, id: 504, number: 300_000_000, "newest");
        Assert.True(await states.MoveNextAsync());
        Assert.Equal("newest", Encoding.UTF8.GetString(states.Current.Payload.Span));
        await states.DisposeAsync();
    }

    [Fact]
    public async Task Oscore_goes_with_coap_alone_and_needs_a_good_context()
    {
        var options = new CoapClientOptions { Oscore = CoapOscoreOptions.FromPsk(CoapWorld.Psk, new CountingStore()) };
        await Assert.ThrowsAsync<ArgumentException>(() => CoapClient.ConnectAsync(new Uri("coaps://127.0.0.1"), options));
        await Assert.ThrowsAsync<ArgumentException>(() => CoapClient.ConnectAsync(new Uri("coap+tcp://127.0.0.1"), options));
        options.Oscore = new CoapOscoreOptions
        {
            MasterSecret = new byte[16],
            SenderId = new byte[] { 1 },
            RecipientId = new byte[] { 1 },
            Sequence = new CountingStore(),
        };
        await Assert.ThrowsAsync<ArgumentException>(() => CoapClient.ConnectAsync(new Uri("coap://127.0.0.1"), options));
    }

    [Fact]
    public async Task A_host_without_the_stores_says_what_to_add()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        new Insa.Iiot.Conformance.AdapterSurroundings().AddTo(builder.Services);
        builder
            .Services.AddIiot()
            .AddIngestion()
            .AddCoapServer(coap => coap.Listeners.Add(new CoapListenerOptions { Port = 0, IsOscore = true }));
        using var host = builder.Build();
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => host.StartAsync());
        Assert.Contains("OSCORE needs a store", error.Message, StringComparison.Ordinal);
    }

    /// <summary>The recipe of the README, step by step, by nothing of ours.</summary>
    [Fact]
    public void The_context_is_the_one_that_is_documented()
    {
        var options = CoapOscoreOptions.FromPsk(
            new DevicePsk("press@plant", Convert.FromHexString("00112233445566778899aabbccddeeff")),
            new CountingStore()
        );
        var secret = System.Security.Cryptography.HMACSHA256.HashData(
            Convert.FromHexString("00112233445566778899aabbccddeeff"),
            "Insa.Iiot OSCORE"u8
        );
        Assert.Equal(secret, options.MasterSecret.ToArray());
        Assert.Equal("01", Convert.ToHexString(options.SenderId.Span));
        Assert.Equal("02", Convert.ToHexString(options.RecipientId.Span));
        Assert.Equal("press@plant", Encoding.UTF8.GetString(options.IdContext!.Value.Span));
        Assert.True(options.MasterSalt.IsEmpty);
        byte[] info = [0x85, 0x41, 0x01, 0x4B, .. "press@plant"u8, 0x0A, 0x63, .. "Key"u8, 0x10];
        var key = System.Security.Cryptography.HKDF.DeriveKey(System.Security.Cryptography.HashAlgorithmName.SHA256, secret, 16, [], info);
        Assert.Equal(key, OscoreKeys.DeriveKey(secret, [], "press@plant"u8.ToArray(), [1]));
    }

    private static Task<CoapWorld> StartAsync(Action<CoapServerOptions>? configure = null) =>
        CoapWorld.StartAsync(
            coap =>
            {
                coap.Listeners.Add(new CoapListenerOptions { Port = 0, IsOscore = true });
                configure?.Invoke(coap);
            },
            isRealTime: true,
            services: services => services.AddSingleton<IControlStore>(new MemoryControlStore())
        );

    private static Task<CoapClient> ConnectAsync(
        CoapWorld world,
        DevicePsk psk,
        Action<CoapClientOptions>? configure = null,
        IOscoreSequenceStore? sequence = null
    )
    {
        var options = new CoapClientOptions { Oscore = CoapOscoreOptions.FromPsk(psk, sequence ?? new CountingStore()) };
        configure?.Invoke(options);
        return CoapClient.ConnectAsync(new Uri($"coap://127.0.0.1:{world.Addresses[1].Port}"), options);
    }

    private sealed class CountingStore : IOscoreSequenceStore
    {
        private long _next;

        public ValueTask<long> ReserveAsync(int count, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult(Interlocked.Add(ref _next, count) - count);
    }

    /// <summary>A client, and a server that says what the test wants.</summary>
    private sealed class Link : ICoapClientTransport
    {
        private readonly System.Threading.Channels.Channel<byte[]> _sent = System.Threading.Channels.Channel.CreateUnbounded<byte[]>();
        private readonly OscoreContext _server = new(
            OscoreIdentity.ToMasterSecret(CoapWorld.Psk.Key.Span),
            [],
            OscoreIdentity.ServerId,
            OscoreIdentity.ClientId,
            OscoreIdentity.ToIdContext(CoapWorld.Psk.Identity)
        );
        private Action<ReadOnlySpan<byte>> _receive = _ => { };
        private CoapClient? _client;

        public ConcurrentDictionary<long, byte[]> Numbers { get; } = new();

        public async Task<CoapClient> ConnectAsync()
        {
            var options = new CoapClientOptions
            {
                Oscore = CoapOscoreOptions.FromPsk(CoapWorld.Psk, new CountingStore()),
                AckTimeout = TimeSpan.FromMilliseconds(50),
                MaxRetransmit = 10,
            };
            return _client = new CoapClient(await OscoreClientTransport.StartAsync(this, options, default), options, null);
        }

        public void Start(Action<ReadOnlySpan<byte>> receive) => _receive = receive;

        public void Send(ReadOnlySpan<byte> datagram)
        {
            var copy = datagram.ToArray();
            if (copy[1] != 0)
                Assert.Equal(copy, Numbers.GetOrAdd(NumberOf(copy), copy));
            _sent.Writer.TryWrite(copy);
        }

        public async Task<byte[]> NextAsync(byte[]? except = null)
        {
            while (true)
            {
                var sent = await _sent.Reader.ReadAsync().AsTask().WaitAsync(Patience);
                if (sent[1] != 0 && (except is null || !sent.AsSpan().SequenceEqual(except)))
                    return sent;
            }
        }

        public async Task<ushort> NextAcknowledgedAsync()
        {
            while (true)
            {
                var sent = new Sent((default, await _sent.Reader.ReadAsync().AsTask().WaitAsync(Patience)));
                if (sent is { Type: CoapType.Acknowledgement, Id: > 500 })
                    return sent.Id;
            }
        }

        public void Answer(byte[] request, long? number, string text, uint? observe = null, bool spoil = false, long? requestNumber = null)
        {
            var asked = new Sent((default, request));
            Say(asked, new CoapHeader(CoapType.Acknowledgement, CoapCode.Content, asked.Id), number, text, observe, spoil, requestNumber);
        }

        public void Notify(byte[] registration, ushort id, long number, string text) =>
            Say(
                new Sent((default, registration)),
                new CoapHeader(CoapType.Confirmable, CoapCode.Content, id),
                number,
                text,
                1,
                false,
                null
            );

        public void AnswerPlain(byte[] request, CoapCode code, string text)
        {
            var asked = new Sent((default, request));
            var writer = new CoapMessageWriter(new byte[200]);
            writer.WriteHeader(new CoapHeader(CoapType.Acknowledgement, code, asked.Id), asked.Token);
            writer.WritePayload(Encoding.UTF8.GetBytes(text));
            _receive(writer.Written);
        }

        public async ValueTask DisposeAsync()
        {
            if (_client is { } client)
            {
                _client = null;
                await client.DisposeAsync();
                _server.Dispose();
            }
        }

        private static long NumberOf(byte[] request)
        {
            Assert.True(OscoreOption.TryRead(new Sent((default, request)).Option(CoapOptionNumber.Oscore), out var option));
            return OscoreContext.ReadPartialIv(option.PartialIv);
        }

        private void Say(Sent asked, CoapHeader header, long? number, string text, uint? observe, bool spoil, long? requestNumber)
        {
            var plain = new CoapMessageWriter(new byte[200]);
            plain.WriteHeader(header, asked.Token);
            if (observe is { } order)
                plain.WriteOption(CoapOptionNumber.Observe, order);
            plain.WritePayload(Encoding.UTF8.GetBytes(text));
            var requestIv = ToIv(requestNumber ?? NumberOf(asked.Datagram));
            var datagram = new byte[300];
            Assert.True(
                OscoreMessages.TryProtect(
                    _server,
                    plain.Written,
                    OscoreIdentity.ClientId,
                    requestIv,
                    number is { } own ? ToIv(own) : [],
                    false,
                    datagram,
                    out var length
                )
            );
            if (spoil)
                datagram[length - 1] ^= 1;
            _receive(datagram.AsSpan(0, length));
        }

        private static byte[] ToIv(long number)
        {
            var iv = new byte[8];
            return iv[..OscoreContext.WritePartialIv(number, iv)];
        }
    }
}
