using System.Net;
using System.Net.Sockets;

namespace Insa.Iiot.Peers;

/// <summary>A cable between host and server that can be cut: connections break, or say nothing more and stay silent for ever.</summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly List<Line> _lines = [];
    private readonly int _target;
    private readonly Task _accepting;
    private Cable _cable = Cable.Whole;

    public TcpProxy(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    private enum Cable
    {
        Whole,
        Cut,
        Silent,
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Breaks all connections, and each new one as it is made.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            _cable = Cable.Cut;
            foreach (var line in _lines)
                line.Dispose();
            _lines.Clear();
        }
    }

    /// <summary>Swallows whatever is sent, on all connections there are and on new ones. None is closed.</summary>
    public void Silence()
    {
        lock (_lock)
        {
            _cable = Cable.Silent;
            foreach (var line in _lines)
                line.IsSilent = true;
        }
    }

    /// <summary>Lets new connections through. Those that were silenced stay so.</summary>
    public void Mend()
    {
        lock (_lock)
            _cable = Cable.Whole;
    }

    public async ValueTask DisposeAsync()
    {
        Cut();
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var host = await _listener.AcceptSocketAsync(_stop.Token);
            var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            host.NoDelay = true;
            var line = new Line(host, server);
            lock (_lock)
            {
                if (_cable == Cable.Cut)
                {
                    line.Dispose();
                    continue;
                }

                line.IsSilent = _cable == Cable.Silent;
                _lines.Add(line);
            }

            line.Start(_target);
        }
    }

    private sealed class Line(Socket host, Socket server) : IDisposable
    {
        private volatile bool _isSilent;
        private int _ends;

        public bool IsSilent
        {
            set => _isSilent = value;
        }

        public void Start(int target) => _ = RunAsync(target);

        public void Dispose()
        {
            if (Interlocked.Increment(ref _ends) > 1)
                return;

            // With a reset, as a cable's end would have it.
            host.LingerState = new LingerOption(true, 0);
            host.Dispose();
            server.Dispose();
        }

        private async Task RunAsync(int target)
        {
            try
            {
                if (!_isSilent)
                    await server.ConnectAsync(IPAddress.Loopback, target);
                else
                    await SwallowAsync(host);
                await Task.WhenAny(ForwardAsync(host, server), ForwardAsync(server, host));
                if (!_isSilent)
                    Dispose();
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // It was cut.
            }
        }

        private async Task ForwardAsync(Socket from, Socket to)
        {
            var buffer = new byte[64 * 1024];
            while (await from.ReceiveAsync(buffer) is var count and > 0)
            {
                if (_isSilent)
                    continue;
                for (var sent = 0; sent < count; )
                    sent += await to.SendAsync(buffer.AsMemory(sent, count - sent));
            }
        }

        private static async Task SwallowAsync(Socket from)
        {
            var buffer = new byte[64 * 1024];
            while (await from.ReceiveAsync(buffer) > 0) { }
        }
    }
}
