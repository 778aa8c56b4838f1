using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Insa.Iiot.LoadTest.Coap;

/// <summary>Tells which of many sockets have something to read (epoll(7)).</summary>
internal sealed unsafe partial class ReadySockets : IDisposable
{
    private const int AddOperation = 1; // EPOLL_CTL_ADD
    private const uint Readable = 1; // EPOLLIN
    private const int Capacity = 256;

    private readonly int _poll;
    private readonly Event[] _events = new Event[Capacity];

    public ReadySockets()
    {
        _poll = Create(0);
        if (_poll < 0)
            throw new PlatformNotSupportedException("The load generator needs epoll, and so Linux.");
    }

    /// <summary>Watches a socket, which is told of by a number.</summary>
    public void Add(Socket socket, int number)
    {
        var wanted = new Event { Events = Readable, Data = (ulong)number };
        if (Control(_poll, AddOperation, (int)socket.Handle, &wanted) != 0)
            throw new IOException($"epoll_ctl failed with {Marshal.GetLastPInvokeError()}.");
    }

    /// <summary>Waits until some are ready.</summary>
    /// <returns>How many; their numbers are at <see cref="this"/>.</returns>
    public int Wait(TimeSpan timeout)
    {
        fixed (Event* events = _events)
            return Math.Max(Wait(_poll, events, Capacity, (int)timeout.TotalMilliseconds), 0);
    }

    public int this[int index] => (int)_events[index].Data;

    public void Dispose() => Close(_poll);

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial int Create(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int Control(int poll, int operation, int file, Event* wanted);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static partial int Wait(int poll, Event* events, int capacity, int milliseconds);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int file);

    // struct epoll_event, which is packed on x64 alone.
    [StructLayout(LayoutKind.Sequential, Pack = 4)]
    private struct Event
    {
        public uint Events;
        public ulong Data;
    }
}
