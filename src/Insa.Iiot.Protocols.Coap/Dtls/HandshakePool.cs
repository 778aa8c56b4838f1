using System.Collections.Concurrent;
using Org.BouncyCastle.Tls.Crypto;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>Runs handshakes on threads of their own, since BouncyCastle blocks for the time of one; few of them compute at once.</summary>
/// <remarks>For the socket's thread. A thread that has nothing to do for a while ends.</remarks>
internal sealed class HandshakePool : IDisposable
{
    // A handshake needs some kilobytes; a credential store below it a little more.
    private const int StackBytes = 512 * 1024;
    private static readonly TimeSpan ThreadIdle = TimeSpan.FromSeconds(10);

    private readonly object _lock = new();
    private readonly Queue<DtlsHandshake> _waiting = new();
    private readonly HashSet<Thread> _threads = [];
    private readonly ConcurrentQueue<DtlsHandshake> _ended = new();
    private readonly CpuGate _gate;
    private readonly TlsCrypto _crypto;
    private readonly DtlsServerSettings _settings;
    private readonly Action _wake;
    private int _running;
    private int _idle;
    private bool _isStopping;

    public HandshakePool(TlsCrypto crypto, DtlsServerSettings settings, Action wake)
    {
        (_crypto, _settings, _wake) = (crypto, settings, wake);
        _gate = new CpuGate(settings.HandshakeWorkers);
    }

    /// <summary>What handshakes wait with when they wait for their client.</summary>
    public CpuGate Gate => _gate;

    /// <summary>Whether no other can be started now.</summary>
    public bool IsFull
    {
        get
        {
            lock (_lock)
                return _running >= _settings.MaxHandshakes;
        }
    }

    /// <summary>Whether handshakes that were given up hold so many threads that no other must be started in their place.</summary>
    public bool IsExhausted
    {
        get
        {
            lock (_lock)
                return _running >= 2 * _settings.MaxHandshakes;
        }
    }

    public void Start(DtlsHandshake handshake)
    {
        lock (_lock)
        {
            _running++;
            _waiting.Enqueue(handshake);
            if (_idle >= _waiting.Count)
            {
                Monitor.Pulse(_lock);
                return;
            }

            var thread = new Thread(Work, StackBytes) { IsBackground = true, Name = "coap dtls handshake" };
            _threads.Add(thread);
            thread.Start();
        }
    }

    /// <returns>A handshake that has ended; <see langword="null"/> if there is no other.</returns>
    public DtlsHandshake? TakeEnded() => _ended.TryDequeue(out var handshake) ? handshake : null;

    /// <summary>Ends the threads. All handshakes must have been given up before.</summary>
    public void Dispose()
    {
        Thread[] threads;
        lock (_lock)
        {
            _isStopping = true;
            Monitor.PulseAll(_lock);
            threads = [.. _threads];
        }

        foreach (var thread in threads)
            thread.Join(_settings.HandshakeTimeout);
        while (TakeEnded() is { } handshake)
        {
            handshake.Records?.Dispose();
            handshake.Dispose();
        }
    }

    private void Work()
    {
        while (Next() is { } handshake)
        {
            handshake.Run(_crypto, _settings, _gate);
            lock (_lock)
                _running--;

            // What came after the client's last word is for the session, and waits for the socket's thread to take it there.
            _ended.Enqueue(handshake);
            if (handshake.Transport.HasQueued)
                _wake();
        }
    }

    private DtlsHandshake? Next()
    {
        lock (_lock)
        {
            _idle++;
            while (_waiting.Count == 0)
            {
                if (!_isStopping && Monitor.Wait(_lock, ThreadIdle))
                    continue;
                if (_waiting.Count > 0)
                    break;
                _idle--;
                _threads.Remove(Thread.CurrentThread);
                return null;
            }

            _idle--;
            return _waiting.Dequeue();
        }
    }
}
