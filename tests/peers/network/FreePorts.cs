using System.Net;
using System.Net.Sockets;

namespace Insa.Iiot.Peers;

/// <summary>Ports on 127.0.0.1 for servers that are started, or killed and started again, at a port that is told before.</summary>
internal static class FreePorts
{
    private static int _last = Random.Shared.Next(20_000);

    /// <summary>
    /// A port that is free, and that nobody is given by chance: it lies below those that the system gives to outgoing connections and to servers that ask for any. One
    /// that waits for a server to come back could be given the very port it asks for, and be connected to itself.
    /// </summary>
    public static int Next()
    {
        while (true)
        {
            var port = 10_000 + Interlocked.Increment(ref _last) % 20_000;
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody else has it.
            }
        }
    }
}
