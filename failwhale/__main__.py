from failwhale.main import main

main()
